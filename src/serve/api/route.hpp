/// The table of Segue's own API: one row an operation of openapi.json. The tests walk it: every row
/// stands in the description and every operation of the description has a row; every row refuses
/// whom it must.
///
/// Thread: constant.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "serve/api/context.hpp"
#include "serve/api/permission.hpp"
#include "serve/api/reply.hpp"
#include "serve/api/request.hpp"

namespace segue::serve::api {

using Handler = Reply (*)(Context&, const Request&);

/// Where a handler runs.
enum class Place : std::uint8_t {
    kWorker,  // at once, on the worker that read the request: reads snapshots, never blocks
    kCrew,    // on a thread of the control plane: may block
};

enum class BodyKind : std::uint8_t { kNone, kJson, kFile };

/// Something that changes a state, asked for by a browser, shows the token of its session.
enum class Csrf : std::uint8_t { kNotNeeded, kNeeded };

enum class Needs : std::uint8_t { kNothing, kStore };

struct Route {
    std::string_view method;
    std::string_view path;       // "/segue/v1/people/{person}"
    std::string_view operation;  // operationId
    Permission permission = Permission::kSignedIn;
    Csrf csrf = Csrf::kNotNeeded;
    BodyKind body = BodyKind::kNone;
    Place place = Place::kCrew;
    Needs needs = Needs::kStore;
    Handler handler = nullptr;  // null: planned, answers 501
};

std::span<const Route> routes();

struct FoundRoute {
    const Route* route = nullptr;
    std::string allow;  // no route, but there are some for other methods: their methods
    std::vector<std::pair<std::string_view, std::string>> parameters;
};
/// HEAD counts as GET.
FoundRoute find_api_route(std::string_view method, std::string_view path);

/// Bytes of a body that this route reads.
std::size_t body_limit(const Route& route);

}  // namespace segue::serve::api
