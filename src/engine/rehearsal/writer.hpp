/// One wire's way to write down an answer; each wire has its own. Sans-IO: appends to a string that
/// Generation sends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "engine/rehearsal/answer.hpp"

namespace segue::engine::rehearsal {

/// Where the time of a request went.
struct Measured {
    Duration total{};
    Duration waiting{};  // for a slot
    Duration prefill{};
    Duration decode{};
};

class AnswerWriter {
public:
    explicit AnswerWriter(std::vector<Answer> answers) : answers_(std::move(answers)) {}
    virtual ~AnswerWriter() = default;

    const std::vector<Answer>& answers() const { return answers_; }
    std::vector<Answer>& answers() { return answers_; }

    virtual bool streams() const = 0;
    virtual std::string_view content_type() const = 0;
    /// What comes before the first piece of a stream.
    virtual void begin(std::string& out) = 0;
    virtual void piece(std::size_t choice, const Piece& piece, bool is_last, std::string& out) = 0;
    /// What comes after the last piece of a stream.
    virtual void end(const Measured& measured, std::string& out) = 0;
    /// The answer as one object, for requests that do not stream.
    virtual std::string whole(const Measured& measured) = 0;
    /// A refusal before the first byte: body and type.
    virtual std::string refusal(int status, std::string_view message) const = 0;
    virtual std::string_view refusal_type() const = 0;
    /// The messages of a full queue and of a template that cannot be rendered.
    virtual std::string_view busy_message() const = 0;
    virtual std::string_view template_message() const = 0;
    /// An error inside a stream.
    virtual std::string stream_error(std::string_view message) const = 0;
    /// A line of a stream that no reader can understand.
    virtual std::string garbage() const = 0;

private:
    std::vector<Answer> answers_;
};

}  // namespace segue::engine::rehearsal
