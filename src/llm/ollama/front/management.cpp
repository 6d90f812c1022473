#include "llm/ollama/front/management.hpp"

#include <fmt/format.h>

#include <initializer_list>

#include "base/json.hpp"
#include "llm/ollama/front/encode.hpp"
#include "llm/ollama/front/go_json.hpp"
#include "llm/ollama/front/names.hpp"

namespace segue::llm {
namespace {

// Without a charset: non-stream pull, push and create answers (wire 1.1).
constexpr std::string_view kPlainJson = "application/json";
constexpr std::string_view kPullError = "pull model manifest: file does not exist";

std::string status_object(std::string_view status) {
    return json::object([&](json::Writer& writer) { writer.member("status", status); });
}

std::string error_object(std::string_view text) {
    return json::object([&](json::Writer& writer) { writer.member("error", text); });
}

ManagementAnswer lines(std::initializer_list<std::string> objects) {
    ManagementAnswer answer{200, std::string(kOllamaNdjson), {}};
    for (const std::string& object : objects) {
        answer.body += object;
        answer.body += '\n';
    }
    return answer;
}

ManagementAnswer success() {
    return {200, std::string(kPlainJson), status_object("success")};
}

}  // namespace

ManagementAnswer management_error(int status, std::string_view text) {
    return {status, std::string(kOllamaJson), error_object(text)};
}

ManagementAnswer pull_known(const ModelCard& card, ManagementDelivery delivery) {
    if (delivery == ManagementDelivery::kSingle) return success();
    const std::string layer = json::object([&](json::Writer& writer) {
        writer.member("status", "pulling " + card.digest.substr(0, 12));
        writer.member("digest", "sha256:" + card.digest);
        writer.member("total", card.size).member("completed", card.size);
    });
    return lines({status_object("pulling manifest"), layer,
                  status_object("verifying sha256 digest"), status_object("writing manifest"),
                  status_object("success")});
}

ManagementAnswer pull_unknown(ManagementDelivery delivery) {
    if (delivery == ManagementDelivery::kSingle)
        return {500, std::string(kPlainJson), error_object(kPullError)};
    return lines({status_object("pulling manifest"), error_object(kPullError)});
}

ManagementAnswer push_answer() {
    return management_error(501, "push is not supported: this server does not store models");
}

ManagementAnswer create_done(const ModelCard& from, ManagementDelivery delivery) {
    if (delivery == ManagementDelivery::kSingle) return success();
    return lines({status_object("using existing layer sha256:" + from.digest),
                  status_object("writing manifest"), status_object("success")});
}

ManagementAnswer create_without_source() {
    return {400, std::string(kPlainJson), error_object("neither 'from' or 'files' was specified")};
}

ManagementAnswer create_unsupported() {
    return management_error(501, "create is not supported: this server does not store models");
}

ManagementAnswer management_done() {
    return {200, {}, {}};
}

ManagementAnswer copy_unknown(std::string_view source) {
    return management_error(404, fmt::format("model {} not found", go_quote(source)));
}

ManagementAnswer copy_bad_source(std::string_view source) {
    return management_error(400, fmt::format("source {} is invalid", go_quote(source)));
}

ManagementAnswer copy_bad_destination(std::string_view destination) {
    return management_error(400, fmt::format("destination {} is invalid", go_quote(destination)));
}

ManagementAnswer copy_unsupported() {
    return management_error(501, "copy is not supported: this server does not store models");
}

ManagementAnswer delete_managed(std::string_view model) {
    return management_error(403, fmt::format("model '{}' is managed by configuration", model));
}

ManagementAnswer model_not_found(std::string_view model) {
    return management_error(404, fmt::format("model '{}' not found", model));
}

ManagementAnswer show_not_found(std::string_view model) {
    return model_not_found(short_model_name(model));
}
ManagementAnswer invalid_model_name() {
    return management_error(400, "invalid model name");
}
ManagementAnswer model_required() {
    return management_error(400, "model is required");
}

ManagementAnswer blob_missing() {
    return management_error(404, "blob not found");
}
ManagementAnswer blob_unsupported() {
    return management_error(501, "blobs are not supported: this server does not store models");
}
ManagementAnswer me_answer() {
    return management_error(401, "unauthorized");
}
ManagementAnswer signout_answer() {
    return management_done();
}
ManagementAnswer status_answer() {
    return {200, std::string(kOllamaJson), R"({"cloud":{"disabled":true,"source":"config"}})"};
}
ManagementAnswer web_search_answer() {
    return management_error(403, "ollama cloud is disabled: web search is unavailable");
}
ManagementAnswer recommendations_answer() {
    return {200, std::string(kOllamaJson), R"({"recommendations":[]})"};
}

}  // namespace segue::llm
