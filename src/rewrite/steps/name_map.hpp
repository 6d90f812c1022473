/// What a name that holds the word becomes: "OLLAMA_BASE_URL" → "VLLM_ENDPOINT", "ollamaService" →
/// "vllmService". One map for the whole tree, so that a name and all its readers change together.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "audit/text/vocabulary.hpp"
#include "rewrite/core/regions.hpp"

namespace segue::rewrite {

/// The identifier around a place, with "-" parts where they complete a setting ("--ollama-url").
audit::Range identifier_around(std::string_view text, audit::Range word);

/// How a capital "Ollama" alone is written.
enum class Manner : std::uint8_t { kCode, kProse };

class NameMap {
public:
    explicit NameMap(const Workspace& workspace);

    /// `path` decides what OLLAMA_HOST is: an address or a host.
    std::string renamed(std::string_view name, std::string_view path, Manner manner) const;
    /// Why a name must stay; empty when it may change.
    std::string kept(std::string_view name, std::string_view path) const;

private:
    void see_names(const File& file);
    std::string endpoint_suffix_;  // the one setting that becomes the endpoint: "url"
    bool litellm_ = false;         // it reads OLLAMA_API_BASE itself
    bool endpoint_taken_ = false;  // the tree has a VLLM_ENDPOINT already
    std::set<std::string, std::less<>> host_is_address_;  // files
    std::set<std::string, std::less<>> names_;            // identifiers of code and configuration
    std::map<std::string, std::set<std::string, std::less<>>, std::less<>> words_;  // by file
    bool both_engines_ = false;  // one file chooses between "ollama" and "vllm"
};

/// All that is no letter and no digit taken away, in lower case.
std::string squeezed(std::string_view name);

}  // namespace segue::rewrite
