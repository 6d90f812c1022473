#include "rewrite/code/options.hpp"

#include <array>

namespace segue::rewrite {
namespace {

struct Row {
    std::string_view old;
    NewOption fresh;
};

constexpr std::string_view kServer = "the server decides it";
constexpr std::string_view kGone = "vLLM has no such sampler";

constexpr std::array kOptions{
    Row{"temperature", {"temperature"}},
    Row{"top_p", {"top_p"}},
    Row{"seed", {"seed"}},
    Row{"stop", {"stop"}},
    Row{"presence_penalty", {"presence_penalty"}},
    Row{"frequency_penalty", {"frequency_penalty"}},
    Row{"num_predict", {"max_tokens"}},
    Row{"top_k", {"top_k", true}},
    Row{"min_p", {"min_p", true}},
    Row{"repeat_penalty", {"repetition_penalty", true}},
    Row{"num_ctx", {"", false, "the context length is vLLM's flag --max-model-len"}},
    Row{"num_gpu", {"", false, kServer}},
    Row{"main_gpu", {"", false, kServer}},
    Row{"num_thread", {"", false, kServer}},
    Row{"num_batch", {"", false, kServer}},
    Row{"num_keep", {"", false, kServer}},
    Row{"use_mmap", {"", false, kServer}},
    Row{"use_mlock", {"", false, kServer}},
    Row{"numa", {"", false, kServer}},
    Row{"low_vram", {"", false, kServer}},
    Row{"f16_kv", {"", false, kServer}},
    Row{"vocab_only", {"", false, kServer}},
    Row{"repeat_last_n", {"", false, kGone}},
    Row{"mirostat", {"", false, kGone}},
    Row{"mirostat_eta", {"", false, kGone}},
    Row{"mirostat_tau", {"", false, kGone}},
    Row{"tfs_z", {"", false, kGone}},
    Row{"typical_p", {"", false, kGone}},
    Row{"penalize_newline", {"", false, kGone}},
};

}  // namespace

std::optional<NewOption> new_option(std::string_view name) {
    for (const auto& row : kOptions)
        if (row.old == name) return row.fresh;
    return std::nullopt;
}

}  // namespace segue::rewrite
