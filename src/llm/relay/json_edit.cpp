#include "llm/relay/json_edit.hpp"

namespace segue::llm {
namespace {

/// Text between two neighbours; of the first kept one, what stood before the very first.
struct Joiner {
    std::string_view leading;
    bool any = false;
    void gap(std::string& out, std::string_view between) {
        out += any ? between : leading;
        any = true;
    }
};

}  // namespace

ObjectEdit::ObjectEdit(json::Value object) : source_(object.raw()) {
    std::size_t position = 1;  // behind the brace
    members_.reserve(object.size());
    for (const json::Value value : object) {
        Member member;
        member.name = value.key();
        member.key_begin = source_.find('"', position);
        member.value_begin = offset_in(source_, value.raw());
        member.value_end = position = member.value_begin + value.raw().size();
        members_.push_back(member);
    }
}

bool ObjectEdit::replace(std::string_view name, std::string_view json) {
    bool found = false;
    for (Member& member : members_) {
        if (member.name != name || member.removed) continue;
        member.new_value = json;
        found = changed_ = true;
    }
    return found;
}

bool ObjectEdit::rename(std::string_view name, std::string_view new_name) {
    bool found = false;
    for (Member& member : members_) {
        if (member.name != name || member.removed) continue;
        member.new_key = json::quoted(new_name);
        found = changed_ = true;
    }
    return found;
}

bool ObjectEdit::remove(std::string_view name) {
    bool found = false;
    for (Member& member : members_) {
        if (member.name != name || member.removed) continue;
        member.removed = true;
        found = changed_ = true;
    }
    return found;
}

void ObjectEdit::add(std::string_view name, std::string_view json) {
    if (!added_.empty()) added_ += ',';
    added_ += json::quoted(name);
    added_ += ':';
    added_ += json;
    changed_ = true;
}

void ObjectEdit::set(std::string_view name, std::string_view json) {
    if (!replace(name, json)) add(name, json);
}

std::string ObjectEdit::text() const {
    if (!changed_) return std::string(source_);
    std::string out = "{";
    out.reserve(source_.size() + added_.size() + 64);
    Joiner joiner;
    if (!members_.empty()) joiner.leading = source_.substr(1, members_.front().key_begin - 1);
    std::size_t previous_end = 1;
    for (const Member& member : members_) {
        if (!member.removed) {
            joiner.gap(out, source_.substr(previous_end, member.key_begin - previous_end));
            const std::string_view head =
                source_.substr(member.key_begin, member.value_begin - member.key_begin);
            if (member.new_key) {
                // The head ends with the colon and the space around it, behind the key's last
                // quote.
                out += *member.new_key;
                out += head.substr(head.rfind('"') + 1);
            } else {
                out += head;
            }
            if (member.new_value) {
                out += *member.new_value;
            } else {
                out += source_.substr(member.value_begin, member.value_end - member.value_begin);
            }
        }
        previous_end = member.value_end;
    }
    if (!added_.empty()) {
        if (joiner.any) out += ',';
        out += added_;
    }
    out += source_.substr(previous_end);
    return out;
}

ArrayEdit::ArrayEdit(json::Value array) : source_(array.raw()) {
    elements_.reserve(array.size());
    for (const json::Value value : array) {
        Element element;
        element.begin = offset_in(source_, value.raw());
        element.end = element.begin + value.raw().size();
        elements_.push_back(element);
    }
}

void ArrayEdit::replace(std::size_t position, std::string_view json) {
    elements_[position].new_value = json;
    changed_ = true;
}

void ArrayEdit::remove(std::size_t position) {
    elements_[position].removed = true;
    changed_ = true;
}

std::string ArrayEdit::text() const {
    if (!changed_) return std::string(source_);
    std::string out = "[";
    Joiner joiner;
    if (!elements_.empty()) joiner.leading = source_.substr(1, elements_.front().begin - 1);
    std::size_t previous_end = 1;
    for (const Element& element : elements_) {
        if (!element.removed) {
            joiner.gap(out, source_.substr(previous_end, element.begin - previous_end));
            if (element.new_value) {
                out += *element.new_value;
            } else {
                out += source_.substr(element.begin, element.end - element.begin);
            }
        }
        previous_end = element.end;
    }
    out += source_.substr(previous_end);
    return out;
}

}  // namespace segue::llm
