#include "serve/api/reply.hpp"

#include "gateway/problem.hpp"

namespace segue::serve::api {
namespace {

int status_of(Fault fault) {
    switch (fault) {
        case Fault::kInvalid: return 400;
        case Fault::kNotFound: return 404;
        case Fault::kUnreachable: return 503;
        case Fault::kTimeout: return 504;
        case Fault::kTooLarge: return 413;
        case Fault::kConflict: return 409;
        case Fault::kIo:
        case Fault::kInternal: return 500;
    }
    return 500;
}

}  // namespace

Reply problem(int status, std::string_view title, std::string_view detail, std::string_view type) {
    Reply reply;
    reply.status = status;
    reply.content_type = gateway::kProblemType;
    reply.body = gateway::problem_json(status, title, detail, type);
    return reply;
}

Reply problem(const Error& error) {
    return problem(status_of(error.fault), "", error.detail);
}

Reply no_content() {
    Reply reply;
    reply.status = 204;
    reply.content_type.clear();
    return reply;
}

Reply event_stream(std::unique_ptr<Tail> tail) {
    Reply reply;
    reply.content_type = "text/event-stream";
    reply.headers.add("X-Accel-Buffering", "no");  // a proxy before us must not hold it back
    reply.tail = std::move(tail);
    return reply;
}

}  // namespace segue::serve::api
