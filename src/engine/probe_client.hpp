/// Short blocking requests to one engine, with its key and TLS settings, for probing.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "engine/config.hpp"
#include "net/client.hpp"

namespace segue::engine {

class ProbeClient {
public:
    ProbeClient(const EngineConfig& config, std::shared_ptr<const net::TlsOptions> tls);
    Result<net::SimpleResponse> get(std::string_view path);
    /// `patience` multiplies the probe's time limit: answers that a model has to make take longer
    /// than lists.
    Result<net::SimpleResponse> post(std::string_view path, std::string_view body,
                                     int patience = 1);
    /// Some answer carried the label of Segue's rehearsal engine.
    bool saw_rehearsal() const { return saw_rehearsal_; }

private:
    Result<net::SimpleResponse> send(net::ClientRequest request, int patience);
    const EngineConfig& config_;  // owned by the caller's Engine
    std::shared_ptr<const net::TlsOptions> tls_;
    bool saw_rehearsal_ = false;
};

}  // namespace segue::engine
