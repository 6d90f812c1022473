/// A rule: one kind of reference. Each lies in a file of its own (rules/<kind>.cpp) with its texts;
/// it judges one token at a time and claims the token's line, or stays silent. Stateless.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/finding.hpp"
#include "audit/model.hpp"

namespace segue::audit {

/// Which server the surroundings of a token speak of (audit.md 3.2, "context server").
enum class Server : std::uint8_t { kUnknown, kOllama, kOther };

/// One token with all that a rule may look at. Made for one judgement; points into the file.
struct View {
    const ParsedFile& file;
    const Model& model;
    const Token& token;
    const Segment& segment;
    std::string_view line;   // the physical line
    std::string_view text;   // the token itself
    std::string_view whole;  // in code the name; else the string or value (on this line), trimmed
    std::string_view path;   // key path
    std::string_view key;    // its last part
    Server server = Server::kUnknown;
    bool file_speaks_ollama = false;  // the file holds a reference that is neither comment nor doc

    const Form& form() const { return file.source.form(); }
    Region region() const { return segment.region; }
    bool is(TokenType type) const { return token.type == type; }
    /// In a comment of code or configuration.
    bool comment() const { return segment.region == Region::kComment; }
    /// Something that a program reads: neither comment nor documentation.
    bool runs() const { return !comment() && !form().doc; }
    bool code() const { return segment.region == Region::kCode; }
    bool string() const { return segment.region == Region::kString; }
    bool shell() const { return segment.region == Region::kShell; }
    /// A cell of a notebook: code that lies in JSON strings.
    bool cell() const { return form().language == Language::kNotebook && path.ends_with("source"); }
    /// Words with spaces between them, no URL, address, path or command.
    bool sentence() const;
    /// A sentence with three words of letters: made for people.
    bool message() const;
    /// The token is a code span, a quoted word, a list item, a table cell or a value: no word of a
    /// sentence.
    bool stands_alone() const;
    /// `NAME=value` of a shell.
    bool is_assignment() const;

    /// The identifier or dashed name around the token.
    std::string_view name() const;
    /// Of the physical line, around name() and whole.
    std::string_view before_name() const { return until(name()); }
    std::string_view after_name() const { return behind(name()); }
    std::string_view before_whole() const;
    std::string_view after_whole() const;
    /// Of the segment on this line, around the token.
    std::string_view before_token() const;
    std::string_view after_token() const;
    /// The token with all around it that is neither space nor quote.
    std::string_view text_around() const;
    /// What stands in front of the name up to a space or quote: "http://".
    std::string_view host_before() const;

private:
    std::string_view until(std::string_view part) const;
    std::string_view behind(std::string_view part) const;
};

struct Claim {
    Level level = Level::kError;
    Confidence confidence = Confidence::kLikely;
    std::string message;
    int rank = 0;  // lower wins the line; 0 = the rule's id
    Fix fix{};
};

struct Rule {
    int id;
    std::string_view kind;
    Level level;
    bool breaks_at_runtime;
    std::string_view title;  // what it is
    std::string_view why;    // why it matters
    std::string_view how;    // how to fix it
    std::optional<Claim> (*judge)(const View& view);
};

std::span<const Rule* const> all_rules();
/// Those that judge no token: derived, history, own names, suppressions.
std::span<const Rule> note_rules();
const Rule* find_rule(int id);
/// By "SEG103", "103" or "endpoint".
const Rule* find_rule(std::string_view name);
/// Hash over ids, texts and the vocabulary: tells two rule sets apart.
std::string rules_sha256();

/// Lines that speak of Ollama or of another server; made once a file.
class Surroundings {
public:
    explicit Surroundings(const ParsedFile& file);
    Server at(std::uint32_t line) const;
    bool speaks_ollama() const { return speaks_; }

private:
    std::vector<signed char> lines_;  // +1 Ollama, -1 another server
    bool path_ = false;
    bool speaks_ = false;
};

View make_view(const ParsedFile& file, const Model& model, const Token& token,
               const Surroundings& around);

// Helpers that several rules share.
std::optional<Claim> claim(const View& view, Level level, Confidence confidence,
                           std::string_view message);
/// A line that brings a module in.
bool is_import_line(std::string_view line, Language language);
/// [A-Z][A-Z0-9_]* with the word in it.
bool is_env_name(std::string_view name);
/// Something of `text` is one of `words` as a whole word, without regard to case.
bool mentions(std::string_view text, std::span<const std::string_view> words);
bool names_other_server(std::string_view text);

extern const Rule kImportRule, kClientCallRule, kEndpointRule, kBaseUrlRule, kEnvRule,
    kProviderIdRule, kModelTagRule, kOptionRule, kResponseShapeRule, kConfigKeyRule, kIndirectRule,
    kDependencyRule, kImageRule, kComposeRule, kKubernetesRule, kProxyRule, kCommandRule, kCiRule,
    kIdentifierRule, kHalfMigratedRule, kTestRule, kUiTextRule, kCommentRule, kDocRule, kLinkRule,
    kUndecidedTagRule, kUndecidedPathRule;

}  // namespace segue::audit
