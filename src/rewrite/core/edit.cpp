#include "rewrite/core/edit.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace segue::rewrite {
namespace {

/// The line that holds `at` ends in CRLF; a last line without an end goes by the one before it.
bool crlf_at(std::string_view text, std::size_t at) {
    auto end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.rfind('\n');
    return end != std::string_view::npos && end > 0 && text[end - 1] == '\r';
}

std::string fitted(std::string_view text, const Edit& edit) {
    if (edit.text.find('\n') == std::string::npos || !crlf_at(text, edit.start)) return edit.text;
    std::string out;
    for (std::size_t i = 0; i < edit.text.size(); ++i) {
        if (edit.text[i] == '\n' && (i == 0 || edit.text[i - 1] != '\r')) out += '\r';
        out += edit.text[i];
    }
    return out;
}

/// Two insertions at one place do not meet; an insertion inside a replaced range does.
bool meet(const Edit& a, const Edit& b) {
    if (a.start == a.end && b.start == b.end) return false;
    return a.start < b.end && b.start < a.end;
}

}  // namespace

std::vector<std::size_t> settle(std::size_t size, std::vector<Edit>& edits) {
    std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
        return std::tie(a.start, a.end) < std::tie(b.start, b.end);
    });
    std::set<std::size_t> lost;
    for (const auto& edit : edits)
        if (edit.start > edit.end || edit.end > size) lost.insert(edit.group);
    const auto same = [](const Edit& a, const Edit& b) {
        return a.start == b.start && a.end == b.end && a.text == b.text;
    };
    bool news = true;
    while (news) {
        news = false;
        // The edit that reaches furthest so far is the only one that a later one can meet first.
        const Edit* last = nullptr;
        for (const auto& edit : edits) {
            if (lost.contains(edit.group)) continue;
            if (last != nullptr && meet(*last, edit) && !same(*last, edit)) {
                const bool first_is_outer =
                    last->end - last->start > edit.end - edit.start ||
                    (last->end - last->start == edit.end - edit.start && last->group < edit.group);
                lost.insert(last->group == edit.group || first_is_outer ? last->group : edit.group);
                news = true;
                break;
            }
            if (last == nullptr || edit.end >= last->end) last = &edit;
        }
    }
    std::erase_if(edits, [&](const Edit& edit) { return lost.contains(edit.group); });
    // Identical replacements of different groups are one; identical insertions of one group too.
    std::vector<Edit> kept;
    for (auto& edit : edits) {
        const bool twice = std::any_of(kept.begin(), kept.end(), [&](const Edit& other) {
            return same(other, edit) && (edit.start != edit.end || other.group == edit.group);
        });
        if (!twice) kept.push_back(std::move(edit));
    }
    edits = std::move(kept);
    return {lost.begin(), lost.end()};
}

std::string apply_edits(std::string_view text, const std::vector<Edit>& edits) {
    std::string out;
    std::size_t from = 0;
    for (const auto& edit : edits) {
        out.append(text.substr(from, edit.start - from));
        out.append(fitted(text, edit));
        from = edit.end;
    }
    out.append(text.substr(from));
    return out;
}

std::size_t moved(std::size_t at, const std::vector<Edit>& edits, std::string_view text) {
    std::size_t shift_up = 0;
    std::size_t shift_down = 0;
    for (const auto& edit : edits) {
        if (edit.start > at || (edit.start == at && edit.start != edit.end)) break;
        if (edit.end > at) return edit.start + shift_up - shift_down;
        shift_up += fitted(text, edit).size();
        shift_down += edit.end - edit.start;
    }
    return at + shift_up - shift_down;
}

}  // namespace segue::rewrite
