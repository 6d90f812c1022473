#include "net/server_exchange.hpp"

#include "base/text.hpp"

namespace segue::net {

void Responder::respond(int status, const Headers& headers, std::string_view body) {
    const bool bare = ServerExchange::never_has_body(status);
    send_head(status, headers, bare ? Framing::kNone : Framing::kLength, body.size());
    if (!bare) send_body(body);
    finish();
}

bool ServerExchange::is_ours(std::string_view name) {
    return iequals(name, "Connection") || iequals(name, "Content-Length") ||
           iequals(name, "Transfer-Encoding") || iequals(name, "Keep-Alive") ||
           iequals(name, "Date");
}

void ServerExchange::append_clean(std::string_view text, std::string& out) {
    for (const char c : text)
        out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

}  // namespace segue::net
