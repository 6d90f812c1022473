/// One request to Segue's own API as a handler sees it: who asks, the parameters of its path and
/// query, and its JSON body.
///
/// Thread: made on a worker, then a crew thread's alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "serve/api/permission.hpp"

namespace segue::serve::api {

/// Who asks.
struct Caller {
    enum class Kind : std::uint8_t {
        kNobody,   // not signed in, and a key is asked for
        kOpen,     // not signed in; the gateway asks for no key
        kProgram,  // showed an API key
        kPerson,   // signed in
    } kind = Kind::kNobody;
    std::string id;  // of the person, or of the key
    std::string name;
    std::string role;
    std::string csrf;    // of the person's session
    std::string cookie;  // the session has a new name, which the answer must tell; "" = it has not
    Permissions permissions;
    bool must_change_password = false;  // the one that was given must not stay

    bool is_person() const { return kind == Kind::kPerson; }
    bool may(Permission permission) const {
        return permission == Permission::kAnybody ||
               permissions.test(static_cast<std::size_t>(permission));
    }
};

struct Route;

struct Request {
    net::RequestHead head;
    std::string body;
    std::string request_id;
    const Route* route = nullptr;
    std::vector<std::pair<std::string_view, std::string>> parameters;  // of the path, decoded
    Caller caller;

    /// What stands where the path says {name}.
    const std::string& parameter(std::string_view name) const;
    /// The first query parameter of that name, decoded; "+" is a space.
    std::optional<std::string> query(std::string_view name) const;
    /// A whole number of the query within bounds; `otherwise` where there is none.
    Result<std::int64_t> query_number(std::string_view name, std::int64_t otherwise,
                                      std::int64_t least, std::int64_t most) const;
    /// The value of that cookie, "" = none.
    std::string_view cookie(std::string_view name) const;
};

/// A JSON object that somebody sent. Each question for a member that has another type notes what is
/// wrong; ask for problem() when all are asked.
class Body {
public:
    /// `text` empty: an empty object.
    static Result<Body> parse(std::string_view text);

    bool has(std::string_view name) const { return !root_[name].absent(); }
    /// "" where it is missing; at most `most` bytes.
    std::string text(std::string_view name, std::size_t most = 4096);
    std::string needed_text(std::string_view name, std::size_t most = 4096);
    std::optional<bool> boolean(std::string_view name);
    std::optional<std::int64_t> integer(std::string_view name, std::int64_t least,
                                        std::int64_t most);
    std::vector<std::string> texts(std::string_view name, std::size_t most = 256);
    json::Value operator[](std::string_view name) const { return root_[name]; }
    /// Ok, or the first thing that was wrong.
    Result<void> problem() const;
    void complain(std::string text);

private:
    json::Parser parser_;
    json::Value root_;
    std::string complaint_;
};

}  // namespace segue::serve::api
