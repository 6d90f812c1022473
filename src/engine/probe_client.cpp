#include "engine/probe_client.hpp"

namespace segue::engine {

ProbeClient::ProbeClient(const EngineConfig& config, std::shared_ptr<const net::TlsOptions> tls)
    : config_(config), tls_(std::move(tls)) {
}

Result<net::SimpleResponse> ProbeClient::get(std::string_view path) {
    net::ClientRequest request;
    request.path = path;
    return send(std::move(request), 1);
}

Result<net::SimpleResponse> ProbeClient::post(std::string_view path, std::string_view body,
                                              int patience) {
    net::ClientRequest request;
    request.method = "POST";
    request.path = path;
    request.headers.add("Content-Type", "application/json");
    request.body = body;
    return send(std::move(request), patience);
}

Result<net::SimpleResponse> ProbeClient::send(net::ClientRequest request, int patience) {
    request.origin = config_.origin;
    request.tls = tls_;
    request.headers.add("User-Agent", "segue-probe/" SEGUE_VERSION);
    if (!config_.api_key.empty()) request.headers.add("Authorization", "Bearer " + config_.api_key);
    request.deadlines.connect = config_.probe_timeout;
    request.deadlines.total = config_.probe_timeout * patience;
    auto answer = net::fetch(std::move(request));
    if (!answer) return answer;
    if (answer->headers.find("Segue-Engine") == "rehearsal") saw_rehearsal_ = true;
    return answer;
}

}  // namespace segue::engine
