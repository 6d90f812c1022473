#include "net/server_exchange.hpp"

#include <algorithm>
#include <cstddef>

#include "base/text.hpp"
#include "net/request_rules.hpp"

namespace segue::net {

void Responder::respond(int status, const Headers& headers, std::string_view body) {
    const bool bare = ServerExchange::never_has_body(status);
    send_head(status, headers, bare ? Framing::kNone : Framing::kLength, body.size());
    if (!bare) send_body(body);
    finish();
}

bool ServerExchange::is_ours(std::string_view name) {
    switch (name.size()) {
        case 4: return iequals(name, "Date");
        case 10: return iequals(name, "Connection") || iequals(name, "Keep-Alive");
        case 14: return iequals(name, "Content-Length");
        case 17: return iequals(name, "Transfer-Encoding");
        default: return false;
    }
}

void ServerExchange::append_clean(std::string_view text, std::string& out) {
    out.append(text);
    // Nearly every one is clean: looked at as a whole, not built byte by byte.
    if (std::any_of(text.begin(), text.end(), breaks_lines))
        std::replace_if(out.end() - static_cast<std::ptrdiff_t>(text.size()), out.end(),
                        breaks_lines, ' ');
}

}  // namespace segue::net
