/// What rewrite writes into compose files: a vLLM server, Segue before it, and their parts. Texts
/// with their indentation; pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace segue::rewrite {

inline constexpr std::string_view kVllmImage = "vllm/vllm-openai:v0.32.0";
inline constexpr std::string_view kSegueImage = "${SEGUE_IMAGE:-segue:" SEGUE_VERSION "}";

/// "healthcheck:" with its lines, at `indent`.
std::string vllm_health_check(std::size_t indent, const std::string& port);
/// "deploy:" with the reservation of the machine's cards.
std::string card_reservation(std::size_t indent);

struct VllmService {
    std::string name;
    std::string command;  // a flow list
    std::string volume;   // where it keeps its models
    std::string port;
};
/// A whole service; `indent` is that of services.
std::string vllm_service(const VllmService& service, std::size_t indent);

struct SegueService {
    std::vector<std::pair<std::string, std::string>> environment;  // besides its own
    std::vector<std::string> waits_for;                            // until they are healthy
    bool reads_file = false;                                       // ./segue.yaml
};
std::string segue_service(const SegueService& service, std::size_t indent);

}  // namespace segue::rewrite
