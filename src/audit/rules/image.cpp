// SEG113 image: a container image of Ollama
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

std::optional<Claim> judge(const View& v) {
    if (!v.runs() || !v.is(TokenType::kWord)) return std::nullopt;
    const auto around = v.text_around();
    const bool image_place =
        v.key == "image" || v.key == "repository" || v.key == "from" ||
        v.path.ends_with("image.repository") ||
        (v.form().language == Language::kDockerfile &&
         (v.path == "from" ||
          (v.path == "copy" && v.line.find("--from") != std::string_view::npos)));
    if (image_place && v.region() != Region::kKey)
        return claim(v, Level::kError, Confidence::kCertain, "an image that runs Ollama");
    if (around.starts_with("ollama/ollama") ||
        around.find("/ollama/ollama") != std::string_view::npos ||
        around.find("docker.io/ollama") != std::string_view::npos) {
        if (around.find("github.com") != std::string_view::npos) return std::nullopt;
        return claim(v, Level::kError, Confidence::kCertain, "an image that runs Ollama");
    }
    return std::nullopt;
}

}  // namespace

const Rule kImageRule{113,
                      "image",
                      Level::kError,
                      true,
                      "a container image of Ollama",
                      "The image runs the server that is to go.",
                      "Use vllm/vllm-openai with a pinned tag, --model and --served-model-name; in "
                      "tests, Segue's rehearsal engine.",
                      judge};

}  // namespace segue::audit
