/// Answers for `llama3.1:8b@handbook` on the fronts: looks the question up with the rights of who
/// asks, and says what goes into the prompt and what follows the answer, as the chat does it.
///
/// Who shows an API key reads what everybody may read, and what collections give to the role
/// "program"; who need not show one reads what everybody may read.
///
/// Thread: find() and listed() on any worker; threads of its own search. Lifetime: shorter than the
/// gateway's and the retrieval's.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/crew.hpp"
#include "chat/retrieval.hpp"
#include "gateway/gateway.hpp"
#include "gateway/retriever.hpp"

namespace segue::chat {

struct GrounderOptions {
    std::size_t passages = 6;  // an answer is made of
    std::size_t threads = 4;
    std::size_t queue = 128;
};

class Grounder final : public gateway::Retriever {
public:
    Grounder(gateway::Gateway& gateway, Retrieval& retrieval, GrounderOptions options = {});

    void find(gateway::Wanted wanted, std::function<void(Found)> done) override;
    std::vector<std::string> listed() override;
    /// Collections that stand in the lists of models from now on, where everybody may read them;
    /// "*" = all those.
    void list(std::vector<std::string> collections);
    void stop() { crew_.stop(); }

private:
    Found look_up(const gateway::Wanted& wanted);
    void look_at_names();

    gateway::Gateway& gateway_;
    Retrieval& retrieval_;
    const GrounderOptions options_;
    std::mutex mutex_;
    std::vector<std::string> wanted_;  // for the lists
    std::vector<std::string> names_;   // that lists show
    TimePoint looked_{};               // when they were asked for; never: zero
    Crew crew_;
};

/// What follows an answer: those of its sources that it cites (all of them where it cites none),
/// each with its place. Pure.
llm::Closing closing_of(std::string_view answer, const std::vector<Source>& sources);
/// The passages alone, as what they are. Pure.
std::string passages_alone(const std::vector<Source>& sources, std::string_view collection);

}  // namespace segue::chat
