/// What a reader found in one file: tokens with their place. The lexical finder looks at every
/// segment; the flow (src/audit/flow) adds tokens that only a tree shows. Plain values.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "audit/finding.hpp"
#include "audit/read/segments.hpp"

namespace segue::audit {

enum class TokenType : std::uint8_t {
    kWord,    // the name itself
    kPort,    // 11434
    kPath,    // a native path, whole
    kOption,  // a request field of Ollama's own
    kSharedOption,
    kReplyField,  // a reply field of Ollama's own
    kTag,         // family:variant
    kFamily,      // a bare family: needs an Ollama context
    kLink,        // Ollama's site or registry
    kLearned,     // a name that the repository gave to Ollama's address, service or model
    kFlow,        // found by following values; `role` says what
};

/// What following the values told.
enum class Role : std::uint8_t {
    kNone,
    kImport,       // brings an Ollama package in
    kLocalImport,  // imports a module of the project whose name holds the word
    kClient,       // uses a client, its class or a method of it
    kAddress,      // an address of the server travels here
    kModel,        // a model's name travels here
    kReply,        // reads a native reply
    kOption,       // a field of a native request
    kTail,         // a path put on the server's address
    kModelString,  // a literal that reaches a client as its model
    kProviderKey,  // a map key or value that chooses the engine
};

struct Token {
    TokenType type = TokenType::kWord;
    Role role = Role::kNone;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t segment = 0;
    Confidence confidence = Confidence::kLikely;
    std::vector<FlowStep> why;
};

/// Builds what find_tokens() searches with; it does so itself when it is asked first.
void prepare_token_scanner();
/// False: find_tokens() would find none, however the text is cut. One look, where cutting takes
/// ten.
bool may_hold_tokens(std::string_view text);
/// All tokens of the segments, in order.
std::vector<Token> find_tokens(const Source& source, const Segments& segments);

/// Of what names_in() takes for one name.
bool is_name_char(char c);
/// Every name of three letters and more in a text, in lower case.
std::set<std::string, std::less<>> names_in(std::string_view text);

/// Which segment holds the offset; the nearest before it when none does.
std::uint32_t segment_at(const Segments& segments, std::uint32_t offset);

}  // namespace segue::audit
