#include "gateway/problem.hpp"

#include "base/json.hpp"
#include "net/http.hpp"

namespace segue::gateway {

std::string problem_json(int status, std::string_view title, std::string_view detail,
                         std::string_view type) {
    return json::object([&](json::Writer& w) {
        w.member("type", type.empty() ? std::string_view("about:blank") : type);
        w.member("title", title.empty() ? net::reason_phrase(status) : title);
        w.member("status", status).member("detail", detail);
    });
}

}  // namespace segue::gateway
