/// Model management as Ollama answers it (wire 1.11). Nothing is downloaded: pulling any valid name
/// puts it on the shelf, except names that contain "missing", which no registry has.
#include <fmt/format.h>

#include "base/text.hpp"
#include "engine/rehearsal/ollama_routes.hpp"
#include "engine/rehearsal/ollama_writer.hpp"

namespace segue::engine::rehearsal {
namespace {

constexpr std::string_view kNotInRegistry = "pull model manifest: file does not exist";
constexpr std::string_view kUnobtainable = "missing";

std::string name_of(json::Value request) {
    std::string_view name = request["model"].string();
    if (name.empty()) name = request["name"].string();
    return std::string(name);
}

std::string status_line(std::string_view status) {
    return json::object([&](json::Writer& w) { w.member("status", status); }) + "\n";
}

std::string progress_line(std::string_view verb, std::string_view digest, std::int64_t completed) {
    return json::object([&](json::Writer& w) {
               w.member("status", fmt::format("{} {}", verb, digest.substr(0, 12)));
               w.member("digest", fmt::format("sha256:{}", digest)).member("total", kModelBytes);
               if (completed > 0) w.member("completed", completed);
           }) +
           "\n";
}

/// The whole stream, or its last object for requests that do not stream.
void send_progress(Exchange& exchange, json::Value request, std::string_view lines) {
    if (request["stream"].boolean(true))
        return exchange.send_chunked(200, "application/x-ndjson", lines);
    exchange.send(200, kPlainJson, R"({"status":"success"})");
}

}  // namespace

void ollama_pull(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const auto name = normal_model_name(name_of(*request));
    if (!name) return send_ollama_error(exchange, 400, "invalid model name");
    if (name->find(kUnobtainable) != std::string::npos) {
        if (!(*request)["stream"].boolean(true))
            return exchange.send(500, kPlainJson, ollama_error(kNotInRegistry));
        return exchange.send_chunked(
            200, "application/x-ndjson",
            status_line("pulling manifest") + ollama_error(kNotInRegistry) + "\n");
    }
    RehearsalModel* known = state.models.find(*name);
    if (!known) {
        RehearsalModel model;
        model.name = *name;
        model.modified = state.clock.wall();
        known = &state.models.put(std::move(model));
    }
    std::string lines = status_line("pulling manifest");
    for (std::int64_t quarter = 0; quarter <= 4; ++quarter) {
        lines += progress_line("pulling", known->digest, kModelBytes / 4 * quarter);
    }
    lines += status_line("verifying sha256 digest") + status_line("writing manifest") +
             status_line("removing unused layers") + status_line("success");
    send_progress(exchange, *request, lines);
}

void ollama_push(Exchange& exchange) {
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const std::string name = name_of(*request);
    if (name.empty()) return send_ollama_error(exchange, 400, "model is required");
    const RehearsalModel* model = exchange.state().models.find(name);
    if (!model) return send_ollama_error(exchange, 404, fmt::format("model '{}' not found", name));
    send_progress(exchange, *request,
                  status_line("retrieving manifest") +
                      progress_line("pushing", model->digest, kModelBytes) +
                      status_line("pushing manifest") + status_line("success"));
}

void ollama_create(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const auto name = normal_model_name(name_of(*request));
    if (!name) return send_ollama_error(exchange, 400, "invalid model name");
    const std::string_view from = (*request)["from"].string();
    const json::Value files = (*request)["files"];
    if (from.empty() && files.empty()) {
        return exchange.send(400, kPlainJson,
                             ollama_error("neither 'from' or 'files' was specified"));
    }
    RehearsalModel model;
    if (!from.empty()) {
        const RehearsalModel* base = state.models.find(from);
        if (!base) {
            return exchange.send_chunked(
                200, "application/x-ndjson",
                status_line("pulling manifest") + ollama_error(kNotInRegistry) + "\n");
        }
        model = *base;
        model.parent = base->name;
    }
    model.name = *name;
    model.modified = state.clock.wall();
    model.loaded_until.reset();
    if (const json::Value system = (*request)["system"]) model.system = system.string();
    if (const json::Value text = (*request)["template"]) model.template_text = text.string();
    if (const json::Value license = (*request)["license"]; license.is_string())
        model.license = license.string();
    if (const json::Value parameters = (*request)["parameters"]; parameters.is_object()) {
        model.parameters = json::minify(parameters.raw());
    }
    const std::string digest = state.models.put(std::move(model)).digest;
    send_progress(exchange, *request,
                  status_line("using existing layer sha256:" + digest) +
                      status_line("writing manifest") + status_line("success"));
}

void ollama_copy(Exchange& exchange) {
    EngineState& state = exchange.state();
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const std::string_view source = (*request)["source"].string();
    const std::string_view destination = (*request)["destination"].string();
    const auto name = normal_model_name(destination);
    if (!normal_model_name(source)) {
        return send_ollama_error(exchange, 400,
                                 fmt::format("source {} is invalid", json::quoted(source)));
    }
    if (!name) {
        return send_ollama_error(
            exchange, 400, fmt::format("destination {} is invalid", json::quoted(destination)));
    }
    const RehearsalModel* model = state.models.find(source);
    if (!model)
        return send_ollama_error(exchange, 404, fmt::format("model \"{}\" not found", source));
    RehearsalModel copy = *model;
    // A copy has its source's contents, and so its digest (recording "tags_after_copy").
    if (copy.parent.empty()) copy.parent = copy.name;
    copy.name = *name;
    copy.modified = state.clock.wall();
    state.models.put(std::move(copy));
    exchange.send_empty(200);
}

void ollama_delete(Exchange& exchange) {
    json::Parser parser;
    const auto request = read_go_json(parser, exchange.body());
    if (!request)
        return send_ollama_error(exchange, request.error().status, request.error().message);
    const std::string name = name_of(*request);
    if (name.empty()) return send_ollama_error(exchange, 400, "model is required");
    if (!exchange.state().models.remove(name)) {
        return send_ollama_error(exchange, 404, fmt::format("model '{}' not found", name));
    }
    exchange.send_empty(200);
}

void ollama_blob(Exchange& exchange) {
    EngineState& state = exchange.state();
    const std::string digest = exchange.head().path.substr(std::string_view("/api/blobs/").size());
    const bool is_known = state.blobs.contains(digest);
    if (exchange.head().method == "HEAD") return exchange.send_empty(is_known ? 200 : 404);
    if (is_known) return exchange.send_empty(200);
    const std::string found = "sha256:" + sha256_hex(exchange.body());
    if (found != digest) {
        return send_ollama_error(
            exchange, 400,
            fmt::format("digest mismatch, expected \"{}\", got \"{}\"", digest, found));
    }
    state.blobs.insert(digest);
    exchange.send_empty(201);
}

}  // namespace segue::engine::rehearsal
