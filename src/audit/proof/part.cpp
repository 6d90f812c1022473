#include "audit/proof/part.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"

namespace segue::audit {

using evidence::Part;
using evidence::Standing;

Part make_part(std::string_view id, std::string_view title, std::string_view command) {
    Part made;
    made.id = id;
    made.title = title;
    made.command = command;
    return made;
}

namespace {

/// "and 3 more" beyond what a reader takes in.
void shorten(std::vector<std::string>& lines, std::size_t most = 50) {
    if (lines.size() <= most) return;
    const auto more = lines.size() - most;
    lines.resize(most);
    lines.push_back(fmt::format("and {} more", more));
}

}  // namespace

void conclude(Part& part, std::vector<std::string> bad, std::vector<std::string> unread,
              std::string clean, std::string_view what) {
    if (!bad.empty()) {
        part.standing = Standing::kNotClean;
        part.says = fmt::format("{} {}", bad.size(), what);
        if (!unread.empty()) part.says += "; not looked at: " + join(unread, ", ");
        part.seen.insert(part.seen.begin(), bad.begin(), bad.end());
    } else if (!unread.empty()) {
        part.says = "this user may not see " + join(unread, ", ");
    } else {
        part.standing = Standing::kClean;
        part.says = std::move(clean);
    }
    shorten(part.seen);
}

std::string ports_text(const std::set<int>& ports) {
    std::string out;
    for (const int port : ports)
        out += (out.empty() ? "" : ", ") + std::to_string(port);
    return out;
}

bool is_local(std::string_view host) {
    return host == "localhost" || host == "::1" || host == "[::1]" || host == "0.0.0.0" ||
           host.starts_with("127.");
}

}  // namespace segue::audit
