/// The words that a reference can be made of: the name itself, native paths, options, reply fields,
/// model families, packages. Facts in tables (audit.md 3.6, 3.8); pure functions, any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace segue::audit {

struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool operator==(const Range&) const = default;
};

/// The next place at or after `from` where a *word* of `text` is, or starts with, "ollama" in any
/// case. Letters before it inside one word make another name ("dollama", "MoveToLlamaIndex").
std::optional<Range> find_word(std::string_view text, std::size_t from = 0);
bool has_word(std::string_view text);

/// The whole name around [begin, end): letters, digits, '_', '-', '.', and '/' or ':' when asked.
Range name_around(std::string_view text, Range at, std::string_view extra = "_-");

/// A native path of Ollama's API as whole segments: "/api/chat" in "http://x/api/chat?y".
std::optional<Range> find_native_path(std::string_view text, std::size_t from = 0);
/// "/tags", "chat": the tail that a base ending in /api is completed with.
bool is_native_tail(std::string_view text);

/// Fields that only Ollama's requests have, whoever sends them ("num_ctx", "numCtx").
bool is_own_option(std::string_view name);
/// "LLM_NUM_CTX", "calculateNumCtx": another name that ends in one of the unmistakable ones.
bool ends_in_option(std::string_view name);
/// Fields that are Ollama's only next to other signs ("keep_alive", "format").
bool is_shared_option(std::string_view name);
/// "eval_count" and the like: nobody else's counters.
bool is_own_reply_field(std::string_view name);
/// "response", "done", "message": need a reply that was traced.
bool is_shared_reply_field(std::string_view name);

/// A model tag: [ns/]family:variant. `family_known` tells a known family from a mere shape.
struct Tag {
    Range at;
    bool family_known = false;
};
std::optional<Tag> find_tag(std::string_view text, std::size_t from = 0);
bool is_tag(std::string_view text);
/// Somewhere stands ":8b", ":latest" or ":x-q4_0": without it, find_tag() finds at most a family
/// that is known.
bool may_hold_size_tag(std::string_view text);
/// A family without a variant: "llama3.2", "nomic-embed-text".
bool is_bare_family(std::string_view text);

/// In lower case: what stands in every token there is, whole or in part, but for a tag of a family
/// that nobody knows ("mine:7b").
struct TokenLiteral {
    std::string text;
    bool family = false;  // of models: it begins a name
};
std::vector<TokenLiteral> token_literals();

/// 11434 as a port: not inside a longer run of digits, a hash or a decimal number.
std::optional<Range> find_port(std::string_view text, std::size_t from = 0);

/// A package of Ollama or of a framework's connector to it: "ollama/browser", "@langchain/ollama".
bool is_ollama_package(std::string_view name);
bool is_client_method(std::string_view name);
/// Classes and factories of Ollama's clients and of frameworks' connectors: "ChatOllama".
bool is_connector(std::string_view name);
/// The host of a URL is Ollama's own site or registry.
std::optional<Range> find_link(std::string_view text, std::size_t from = 0);

/// What the byte scan looks for; lower case.
std::span<const std::string_view> scan_literals();

}  // namespace segue::audit
