/// Edits of JSON text that leave every other byte as it was: what a relay needs to change one
/// member of a request or an answer. Built over json::Value, which knows where its text lies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace segue::llm {

/// One object being edited. The Value's parser must outlive it.
class ObjectEdit {
public:
    explicit ObjectEdit(json::Value object);

    /// Replaces the value of each member of that name. False if there is none.
    bool replace(std::string_view name, std::string_view json);
    bool rename(std::string_view name, std::string_view new_name);
    bool remove(std::string_view name);
    /// Adds a member at the end.
    void add(std::string_view name, std::string_view json);
    /// replace, or add when there is none.
    void set(std::string_view name, std::string_view json);

    bool changed() const { return changed_; }
    /// The object's text with the edits made.
    std::string text() const;

private:
    struct Member {
        std::string_view name;  // in the parser's buffer
        std::size_t key_begin = 0;
        std::size_t value_begin = 0;
        std::size_t value_end = 0;
        bool removed = false;
        std::optional<std::string> new_key;  // with quotes
        std::optional<std::string> new_value;
    };
    std::string_view source_;
    std::vector<Member> members_;
    std::string added_;  // members after the last, with their commas between them
    bool changed_ = false;
};

/// One array being edited.
class ArrayEdit {
public:
    explicit ArrayEdit(json::Value array);
    void replace(std::size_t position, std::string_view json);
    void remove(std::size_t position);
    bool changed() const { return changed_; }
    std::string text() const;

private:
    struct Element {
        std::size_t begin = 0;
        std::size_t end = 0;
        bool removed = false;
        std::optional<std::string> new_value;
    };
    std::string_view source_;
    std::vector<Element> elements_;
    bool changed_ = false;
};

/// Where `part` lies in `whole`; both must view the same buffer.
inline std::size_t offset_in(std::string_view whole, std::string_view part) {
    return static_cast<std::size_t>(part.data() - whole.data());
}

}  // namespace segue::llm
