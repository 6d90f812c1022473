/// What the Ollama front answers without generating: lists, show, and model management
/// (wire 1.10, 1.11, 3.8, 3.9). Where an Ollama engine is meant, the call is relayed to it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "gateway/gateway.hpp"
#include "gateway/routes.hpp"
#include "llm/bridge.hpp"
#include "llm/ollama/front/management.hpp"

namespace segue::gateway {

class LocalOllama {
public:
    /// `caller`: null where no key is asked for.
    LocalOllama(Gateway& gateway, const Snapshot& snapshot, const KeyHolder* caller)
        : gateway_(gateway), snapshot_(snapshot), caller_(caller) {}

    /// Exactly one of the three is meant: a request to relay with where it goes, a failure, or an
    /// answer.
    struct Result {
        std::unique_ptr<llm::FrontRequest> request;
        engine::Resolution resolution;
        std::optional<llm::Failure> failure;
        LocalAnswer answer;
    };
    Result answer(const Route& route, const net::RequestHead& head, std::string_view body);

private:
    struct Call;  // the parsed body
    Result tags(const net::RequestHead& head);
    Result ps(const net::RequestHead& head);
    Result version() const;
    Result show(const Call& call, const net::RequestHead& head);
    Result pull(const Call& call);
    Result push(const Call& call);
    Result create(const Call& call);
    Result copy(const Call& call);
    Result remove(const Call& call);

    /// The engine that knows about models of its own, when the call should go there.
    std::shared_ptr<engine::Engine> only_ollama() const;
    std::shared_ptr<engine::Engine> any_ollama() const;
    Result relay(const std::shared_ptr<engine::Engine>& engine, std::string_view served,
                 std::string method, std::string path, std::string_view body, bool stream) const;
    std::optional<engine::ClientModel> known(std::string_view name) const;
    Result make_alias(engine::Alias alias, llm::ManagementAnswer done);

    Gateway& gateway_;
    const Snapshot& snapshot_;
    const KeyHolder* caller_;
};

}  // namespace segue::gateway
