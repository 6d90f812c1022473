#include "rewrite/steps/service_text.hpp"

namespace segue::rewrite {
namespace {

/// Lines, each behind `indent` blanks.
std::string lines_at(std::size_t indent, const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines)
        out += std::string(indent, ' ') + line + "\n";
    return out;
}

}  // namespace

std::string vllm_health_check(std::size_t indent, const std::string& port) {
    return lines_at(
        indent, {"healthcheck:",
                 "  test: [\"CMD\", \"curl\", \"-f\", \"http://localhost:" + port + "/health\"]",
                 "  interval: 10s", "  timeout: 5s", "  retries: 12", "  start_period: 600s"});
}

std::string card_reservation(std::size_t indent) {
    return lines_at(indent, {"deploy:", "  resources:", "    reservations:", "      devices:",
                             "        - driver: nvidia", "          count: all",
                             "          capabilities: [gpu]"});
}

std::string vllm_service(const VllmService& service, std::size_t indent) {
    const auto inner = 2 * indent;
    return lines_at(indent, {service.name + ":"}) +
           lines_at(inner, {"image: " + std::string(kVllmImage), "command: " + service.command,
                            "environment:", "  HF_HOME: /root/.cache/huggingface",
                            "  HF_TOKEN: ${HF_TOKEN:-}", "volumes:",
                            "  - " + service.volume + ":/root/.cache/huggingface", "ipc: host"}) +
           vllm_health_check(inner, service.port) + card_reservation(inner) +
           lines_at(inner, {"restart: unless-stopped"});
}

std::string segue_service(const SegueService& service, std::size_t indent) {
    const auto inner = 2 * indent;
    std::vector<std::string> lines{"image: " + std::string(kSegueImage),
                                   "environment:", "  SEGUE_LISTEN: 0.0.0.0:8484",
                                   "  SEGUE_INSECURE_NO_AUTH: \"true\""};
    for (const auto& [name, value] : service.environment)
        lines.push_back("  " + name + ": " + value);
    if (service.reads_file) {
        lines.emplace_back("command: [\"serve\", \"--config\", \"/etc/segue/segue.yaml\"]");
        lines.emplace_back("volumes:");
        lines.emplace_back("  - ./segue.yaml:/etc/segue/segue.yaml:ro");
    }
    if (!service.waits_for.empty()) lines.emplace_back("depends_on:");
    for (const auto& name : service.waits_for) {
        lines.push_back("  " + name + ":");
        lines.emplace_back("    condition: service_healthy");
    }
    for (const auto* const line :
         {"healthcheck:", "  test: [\"CMD\", \"segue\", \"engines\"]", "  interval: 10s",
          "  timeout: 5s", "  retries: 12", "restart: unless-stopped"})
        lines.emplace_back(line);
    return lines_at(indent, {"segue:"}) + lines_at(inner, lines);
}

}  // namespace segue::rewrite
