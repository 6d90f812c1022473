// SEG115 k8s: a part of a Kubernetes manifest or a Helm chart that belongs to Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || !v.form().kubernetes) return std::nullopt;
    if (v.is(TokenType::kWord) || v.is(TokenType::kLearned))
        return claim(v, Level::kError, Confidence::kCertain, "belongs to Ollama in the cluster");
    return std::nullopt;
}

}  // namespace

const Rule kKubernetesRule{115,
                           "k8s",
                           Level::kError,
                           true,
                           "a part of a Kubernetes manifest or a Helm chart that belongs to Ollama",
                           "The cluster keeps running Ollama, or waits for it.",
                           "Replace Deployment, Service, claims and values together (image, args, "
                           "port 8000, probes on /health, nvidia.com/gpu).",
                           judge};

}  // namespace segue::audit
