// JSON with comments, by characters: no recursion, so 100,000 brackets cost a loop.
#include <algorithm>

#include "audit/read/segments.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {
/// Deeper keys hang under the path of this depth: a path of 100,000 parts helps nobody.
constexpr std::size_t kMaxDepth = 64;

struct Frame {
    bool object;
    std::string path;
};
}  // namespace

void read_json(std::string_view text, Segments& out) {
    PathTable table(out.paths);
    std::vector<Frame> stack;
    std::size_t too_deep = 0;
    std::string key;  // of the value that comes
    bool expect_key = false;
    const auto add = [&](std::size_t begin, std::size_t end, Region region, std::string path) {
        if (begin < end)
            out.list.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end),
                                region, table.add(std::move(path))});
    };
    const auto here = [&] { return stack.empty() ? std::string() : stack.back().path; };
    const auto with_key = [&] {
        std::string path = here();
        if (!key.empty()) path += (path.empty() ? "" : ".") + key;
        return path;
    };
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            std::size_t end = at + 1;
            while (end < text.size() && text[end] != '"' && text[end] != '\n')
                end += text[end] == '\\' ? 2 : 1;
            end = std::min(end, text.size());
            auto next = std::min(end + 1, text.size());
            while (next < text.size() && (text[next] == ' ' || text[next] == '\t'))
                ++next;
            const bool is_key = expect_key && next < text.size() && text[next] == ':';
            if (is_key) {
                key = std::string(text.substr(at + 1, std::min<std::size_t>(end - at - 1, 200)));
                add(at + 1, end, Region::kKey, with_key());
                expect_key = false;
            } else {
                add(at + 1, end, Region::kValue, with_key());
            }
            at = std::min(end + 1, text.size());
        } else if (c == '/' && at + 1 < text.size() &&
                   (text[at + 1] == '/' || text[at + 1] == '*')) {
            const auto stop = text[at + 1] == '/' ? text.find('\n', at) : text.find("*/", at + 2);
            const auto end =
                stop == std::string_view::npos ? text.size() : stop + (text[at + 1] == '*' ? 2 : 0);
            add(at, end, Region::kComment, here());
            at = end;
        } else if (c == '{' || c == '[') {
            if (stack.size() < kMaxDepth) {
                stack.push_back({c == '{', with_key()});
                key.clear();
            } else {
                ++too_deep;
            }
            expect_key = c == '{';
            ++at;
        } else if (c == '}' || c == ']') {
            if (too_deep > 0)
                --too_deep;
            else if (!stack.empty())
                stack.pop_back();
            key.clear();
            expect_key = false;
            ++at;
        } else if (c == ',') {
            const bool object = too_deep == 0 && !stack.empty() && stack.back().object;
            if (object) key.clear();
            expect_key = object;
            ++at;
        } else if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
            std::size_t end = at;
            while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 ||
                                         text[end] == '.' || text[end] == '_'))
                ++end;
            // An unquoted key of JSON5.
            if (expect_key && end < text.size() && text[end] == ':') {
                key = std::string(text.substr(at, end - at));
                add(at, end, Region::kKey, with_key());
                expect_key = false;
            } else {
                add(at, end, Region::kValue, with_key());
            }
            at = end;
        } else {
            ++at;
        }
    }
}

}  // namespace segue::audit
