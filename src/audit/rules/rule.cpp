#include "audit/rules/rule.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "audit/text/matcher.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr std::array kRules{
    &kImportRule,       &kClientCallRule,   &kEndpointRule, &kBaseUrlRule,       &kEnvRule,
    &kProviderIdRule,   &kModelTagRule,     &kOptionRule,   &kResponseShapeRule, &kConfigKeyRule,
    &kIndirectRule,     &kDependencyRule,   &kImageRule,    &kComposeRule,       &kKubernetesRule,
    &kProxyRule,        &kCommandRule,      &kCiRule,       &kIdentifierRule,    &kHalfMigratedRule,
    &kTestRule,         &kUiTextRule,       &kCommentRule,  &kDocRule,           &kLinkRule,
    &kUndecidedTagRule, &kUndecidedPathRule};

constexpr std::string_view kOtherServers[] = {"vllm",
                                              "lmstudio",
                                              "lm-studio",
                                              "lm_studio",
                                              "llamacpp",
                                              "llama.cpp",
                                              "llama_cpp",
                                              "llama-cpp",
                                              "webllm",
                                              "sglang",
                                              "koboldcpp",
                                              "localai",
                                              "text-generation-inference",
                                              "tgi",
                                              "bedrock",
                                              "anthropic",
                                              "openrouter",
                                              "groq",
                                              "together",
                                              "gemini",
                                              "vertexai",
                                              "azure",
                                              "cohere",
                                              "transformers",
                                              "huggingface",
                                              "triton",
                                              "exllama",
                                              "mlx",
                                              "lm studio",
                                              "fireworks",
                                              "replicate"};

const Matcher& other_servers() {
    static const Matcher letters(kOtherServers);
    return letters;
}

bool word_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool space_or_quote(char c) {
    return c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '`';
}

}  // namespace

std::span<const Rule* const> all_rules() {
    return kRules;
}

const Rule* find_rule(int id) {
    for (const Rule& rule : note_rules())
        if (rule.id == id) return &rule;
    const auto found = std::find_if(kRules.begin(), kRules.end(),
                                    [&](const Rule* rule) { return rule->id == id; });
    return found == kRules.end() ? nullptr : *found;
}

const Rule* find_rule(std::string_view name) {
    for (const Rule& rule : note_rules())
        if (iequals(name, rule.kind) || iequals(name, rule_name(rule.id)) ||
            name == std::to_string(rule.id))
            return &rule;
    for (const Rule* rule : kRules)
        if (iequals(name, rule->kind) || iequals(name, rule_name(rule->id)) ||
            name == std::to_string(rule->id))
            return rule;
    return nullptr;
}

std::string rules_sha256() {
    std::string all;
    for (const Rule* rule : kRules)
        all.append(rule_name(rule->id))
            .append(rule->kind)
            .append(rule->title)
            .append(rule->why)
            .append(rule->how);
    for (const auto literal : scan_literals())
        all.append(literal).push_back('\n');
    return sha256_hex(all);
}

std::optional<Claim> claim(const View&, Level level, Confidence confidence,
                           std::string_view message) {
    return Claim{level, confidence, std::string(message)};
}

bool is_import_line(std::string_view line, Language language) {
    line = trim(line);
    switch (language) {
        case Language::kPython:
        case Language::kNotebook:
            return (line.starts_with("import ") ||
                    (line.starts_with("from ") &&
                     line.find(" import") != std::string_view::npos)) ||
                   line.find("import_module(") != std::string_view::npos ||
                   line.find("__import__(") != std::string_view::npos;
        case Language::kJavaScript:
        case Language::kTypeScript:
        case Language::kTsx:
        case Language::kVue:
        case Language::kSvelte:
            return line.starts_with("import ") || line.starts_with("import{") ||
                   line.starts_with("} from ") || line.find("require(") != std::string_view::npos ||
                   line.find("import(") != std::string_view::npos ||
                   (line.starts_with("export ") && line.find(" from ") != std::string_view::npos);
        case Language::kGo: return line.starts_with("import ");
        case Language::kJava:
        case Language::kKotlin:
        case Language::kSwift: return line.starts_with("import ");
        case Language::kCSharp:
        case Language::kRazor:
            return ((line.starts_with("using ") && line.find('(') == std::string_view::npos) ||
                    line.starts_with("global using ") || line.starts_with("@using ")) &&
                   line.find("var ") == std::string_view::npos;
        case Language::kRust:
            return line.starts_with("use ") || line.starts_with("pub use ") ||
                   line.starts_with("extern crate ");
        case Language::kRuby:
            return line.starts_with("require ") || line.starts_with("require_relative ");
        case Language::kPhp: return line.starts_with("use ");
        default: return false;
    }
}

bool is_env_name(std::string_view name) {
    if (name.size() < 7) return false;
    for (const char c : name)
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_') return false;
    return has_word(name) && name.find('_') != std::string_view::npos;
}

bool mentions(std::string_view text, std::span<const std::string_view> words) {
    const std::string lower = to_lower(text);
    for (const auto word : words) {
        const std::string small = to_lower(word);
        for (std::size_t at = 0; (at = lower.find(small, at)) != std::string::npos; ++at) {
            const auto end = at + small.size();
            const bool left = at == 0 || !word_char(lower[at - 1]) ||
                              (std::isupper(static_cast<unsigned char>(text[at])) != 0 &&
                               std::islower(static_cast<unsigned char>(text[at - 1])) != 0);
            const bool right =
                end >= lower.size() || !word_char(lower[end]) ||
                std::isupper(static_cast<unsigned char>(text[end])) != 0 ||
                (lower[end] == 's' && (end + 1 == lower.size() || !word_char(lower[end + 1])));
            if (left && right) return true;
        }
    }
    return false;
}

bool names_other_server(std::string_view text) {
    return other_servers().matches(text) && mentions(text, kOtherServers);
}

bool View::sentence() const {
    if (whole.find(' ') == std::string_view::npos) return false;
    if (whole.find("://") < 8 &&
        whole.substr(0, whole.find(' ')).find("://") != std::string_view::npos &&
        std::count(whole.begin(), whole.end(), ' ') < 2)
        return false;
    return true;
}

bool View::message() const {
    if (!sentence()) return false;
    int words = 0;
    for (const auto part : split(whole, ' ')) {
        const auto word = trim(part);
        const bool letters = word.size() > 1 && std::all_of(word.begin(), word.end(), [](char c) {
                                 return std::isalpha(static_cast<unsigned char>(c)) != 0 ||
                                        c == '.' || c == ',' || c == '\'';
                             });
        words += letters && !word.starts_with('.') ? 1 : 0;
    }
    return words >= 3;
}

bool View::stands_alone() const {
    const auto before = trim(until(text));
    const auto after = trim(behind(text));
    static constexpr std::string_view kOpens = "`\"'|:=(*-,[>";
    static constexpr std::string_view kCloses = "`\"'|),*;]<:";
    const bool opened = before.empty() || kOpens.find(before.back()) != std::string_view::npos;
    const bool closed = after.empty() || kCloses.find(after.front()) != std::string_view::npos;
    return opened && closed;
}

bool View::is_assignment() const {
    const auto rest = after_name();
    return rest.starts_with('=') && !rest.starts_with("==");
}

std::string_view View::name() const {
    const auto at = static_cast<std::size_t>(text.data() - line.data());
    auto range = name_around(line, {at, at + text.size()}, "_");
    const auto plain = line.substr(range.begin, range.end - range.begin);
    const bool capitals =
        std::none_of(plain.begin(), plain.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (segment.region != Region::kCode && !capitals) range = name_around(line, range, "_-");
    return line.substr(range.begin, range.end - range.begin);
}

std::string_view View::until(std::string_view part) const {
    return line.substr(0, static_cast<std::size_t>(part.data() - line.data()));
}
std::string_view View::behind(std::string_view part) const {
    return line.substr(static_cast<std::size_t>(part.data() - line.data()) + part.size());
}
std::string_view View::before_whole() const {
    auto rest = until(whole);
    if (segment.region != Region::kCode && !rest.empty() && space_or_quote(rest.back()))
        rest.remove_suffix(1);
    return rest;
}
std::string_view View::after_whole() const {
    auto rest = behind(whole);
    if (segment.region != Region::kCode && !rest.empty() && space_or_quote(rest.front()))
        rest.remove_prefix(1);
    return rest;
}

std::string_view View::before_token() const {
    const char* line_begin = line.data();
    const char* segment_begin = file.source.text().data() + segment.begin;
    const char* begin = std::max(line_begin, segment_begin);
    if (begin > text.data()) begin = text.data();
    return {begin, static_cast<std::size_t>(text.data() - begin)};
}
std::string_view View::after_token() const {
    const char* begin = text.data() + text.size();
    const char* line_end = line.data() + line.size();
    const char* segment_end = file.source.text().data() + segment.end;
    const char* end = std::min(line_end, segment_end);
    return end <= begin ? std::string_view{}
                        : std::string_view(begin, static_cast<std::size_t>(end - begin));
}

std::string_view View::text_around() const {
    auto begin = static_cast<std::size_t>(text.data() - line.data());
    auto end = std::min(begin + text.size(), line.size());
    while (begin > 0 && !space_or_quote(line[begin - 1]) && line[begin - 1] != '(' &&
           line[begin - 1] != '=')
        --begin;
    while (end < line.size() && !space_or_quote(line[end]) && line[end] != ')' &&
           line[end] != ',' && line[end] != ';')
        ++end;
    return line.substr(begin, end - begin);
}

std::string_view View::host_before() const {
    const auto before = before_name();
    std::size_t begin = before.size();
    while (begin > 0 && !space_or_quote(before[begin - 1]))
        --begin;
    return before.substr(begin);
}

Surroundings::Surroundings(const ParsedFile& file) : lines_(file.source.lines(), 0) {
    path_ = has_word(file.source.path());
    for (const auto& token : file.tokens) {
        const bool sign = token.type == TokenType::kWord || token.type == TokenType::kPort ||
                          token.type == TokenType::kLink || token.type == TokenType::kFlow;
        if (!sign) continue;
        lines_[file.source.line_of(token.begin)] = 1;
        if (file.segments.list.empty()) continue;
        const auto region = file.segments.list[token.segment].region;
        speaks_ = speaks_ || file.source.form().doc || region != Region::kComment;
    }
    speaks_ = speaks_ || path_;
    // One search in the whole text: most lines hold none of the letters.
    std::optional<std::uint32_t> last;
    for (const auto end : other_servers().ends(file.source.text())) {
        const auto line = file.source.line_of(end - 1);
        if (std::exchange(last, line) == line || lines_[line] != 0) continue;
        if (mentions(file.source.line(line).substr(0, 400), kOtherServers)) lines_[line] = -1;
    }
}

Server Surroundings::at(std::uint32_t line) const {
    static constexpr std::uint32_t kReach = 12;
    const auto as_server = [](signed char mark) {
        return mark > 0 ? Server::kOllama : Server::kOther;
    };
    if (lines_[line] != 0) return as_server(lines_[line]);
    // What stands above is nearer than what stands below: a section begins with its name.
    for (std::uint32_t distance = 1; distance <= kReach; ++distance) {
        // Another server's name reaches only its own few lines; Ollama's reaches its block.
        if (distance > 4 && ((line >= distance && lines_[line - distance] < 0))) continue;
        if (line >= distance && lines_[line - distance] != 0)
            return as_server(lines_[line - distance]);
        const auto below = line + (distance + 1) / 2;
        if (distance % 2 == 0 && below < lines_.size() && lines_[below] != 0)
            return as_server(lines_[below]);
    }
    return path_ ? Server::kOllama : Server::kUnknown;
}

View make_view(const ParsedFile& file, const Model& model, const Token& token,
               const Surroundings& around) {
    const auto text = file.source.text();
    const auto line_number = file.source.line_of(token.begin);
    const auto line = file.source.line(line_number);
    static const Segment kWholeFile{};
    const Segment& segment =
        file.segments.list.empty() ? kWholeFile : file.segments.list[token.segment];
    View view{file, model, token, segment, line, {}, {}, {}, {}};
    const auto start = file.source.line_start(line_number);
    const std::size_t at = std::min<std::size_t>(token.begin - start, line.size());
    const std::size_t end =
        std::min<std::size_t>(std::max<std::size_t>(token.end, token.begin) - start, line.size());
    view.text = line.substr(at, end - at);
    if (segment.region == Region::kCode) {
        const auto name = name_around(line, {at, end}, "_");
        view.whole = line.substr(name.begin, name.end - name.begin);
    } else {
        const std::size_t from =
            segment.begin > start ? std::min<std::size_t>(segment.begin - start, at) : 0;
        const std::size_t to = std::max(
            end, std::min<std::size_t>(segment.end > start ? segment.end - start : 0, line.size()));
        view.whole = trim(line.substr(from, to - from));
        if (segment.region == Region::kValue && view.whole.size() >= 2 &&
            (view.whole.front() == '"' || view.whole.front() == '\'') &&
            view.whole.back() == view.whole.front())
            view.whole = view.whole.substr(1, view.whole.size() - 2);
    }
    (void)text;
    view.path = segment.path < file.segments.paths.size()
                    ? std::string_view(file.segments.paths[segment.path])
                    : std::string_view{};
    const auto dot = view.path.rfind('.');
    view.key = dot == std::string_view::npos ? view.path : view.path.substr(dot + 1);
    view.file_speaks_ollama = around.speaks_ollama();
    if (has_word(view.path))
        view.server = Server::kOllama;
    else if (!view.path.empty() && names_other_server(view.path))
        view.server = Server::kOther;
    else
        view.server = around.at(line_number);
    return view;
}

std::string rule_name(int rule) {
    return "SEG" + std::to_string(rule);
}

std::string_view level_name(Level level) {
    switch (level) {
        case Level::kNote: return "note";
        case Level::kWarning: return "warning";
        case Level::kError: return "error";
    }
    return "note";
}

std::string_view confidence_name(Confidence confidence) {
    switch (confidence) {
        case Confidence::kPossible: return "possible";
        case Confidence::kLikely: return "likely";
        case Confidence::kCertain: return "certain";
    }
    return "possible";
}

}  // namespace segue::audit
