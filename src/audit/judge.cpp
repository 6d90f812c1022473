#include "audit/judge.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr std::size_t kSnippet = 240;
constexpr std::size_t kLongLine = 5000;

/// "https://blog.example.com/run-ollama": somebody else's page. Not Ollama's host, not ours.
bool in_foreign_url(const View& v) {
    const auto around = v.host_before();
    const auto scheme = around.rfind("://");
    if (scheme == std::string_view::npos) return false;
    const auto rest = around.substr(scheme + 3);
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return false;  // the word is in the host
    auto host = rest.substr(0, slash);
    if (const auto at = host.rfind('@'); at != std::string_view::npos) host = host.substr(at + 1);
    if (host.find_first_of("${%<:") != std::string_view::npos) return false;
    const auto dot = host.rfind('.');
    if (dot == std::string_view::npos) return false;
    const auto top = host.substr(dot + 1);
    if (top.empty() || std::isdigit(static_cast<unsigned char>(top.front())) != 0) return false;
    static constexpr std::string_view kPrivate[] = {"local", "internal",  "svc",  "lan",
                                                    "home",  "localhost", "corp", "intra"};
    return std::find(std::begin(kPrivate), std::end(kPrivate), top) == std::end(kPrivate);
}

/// Database, schema and role names: renaming them loses data.
bool is_data_name(const View& v) {
    static constexpr std::string_view kKeys[] = {"POSTGRES_DB",      "POSTGRES_USER",
                                                 "PGDATABASE",       "PGUSER",
                                                 "MYSQL_DATABASE",   "MYSQL_USER",
                                                 "DB_NAME",          "DB_USER",
                                                 "DATABASE_NAME",    "MONGO_INITDB_DATABASE",
                                                 "MARIADB_DATABASE", "DB_DATABASE",
                                                 "DB_USERNAME",      "DATABASE_USER",
                                                 "db_name",          "DB_SCHEMA"};
    if (v.region() != Region::kKey &&
        std::find(std::begin(kKeys), std::end(kKeys), v.key) != std::end(kKeys))
        return true;
    const auto before = v.before_name();
    for (const auto key : kKeys)
        if (before.ends_with(std::string(key) + "=") || before.ends_with(std::string(key) + ": ") ||
            before.ends_with(std::string(key) + "=\""))
            return true;
    const auto url = v.text_around();
    for (const std::string_view scheme :
         {"postgres://", "postgresql://", "mysql://", "mongodb://", "mariadb://", "postgresql+",
          "mysql+", "jdbc:", "postgres+", "mongodb+srv", "sqlite:"})
        if (url.find(scheme) != std::string_view::npos) return true;
    const std::string lower = to_lower(v.line);
    for (const std::string_view sign :
         {"psql ", "pg_dump ", "pg_restore", "create database", "create schema", "create role",
          "create user", "pg_isready", "createdb ", "drop database", "grant all", "mysqldump "})
        if (lower.find(sign) != std::string::npos && !v.model.is_own_name(v.name()) &&
            lower.find("ollama ") != 0 && !v.is(TokenType::kPort))
            return true;
    return false;
}

constexpr std::string_view kLetters = "ollama";

std::size_t find_letters(std::string_view text, std::size_t from) {
    const auto found = std::search(
        text.begin() + static_cast<std::ptrdiff_t>(std::min(from, text.size())), text.end(),
        kLetters.begin(), kLetters.end(), [](char a, char b) { return ascii_lower(a) == b; });
    return found == text.end() ? std::string_view::npos
                               : static_cast<std::size_t>(found - text.begin());
}

bool is_host_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
}

/// The address is one that segue-audit.yaml names as Segue's: nothing to change for drop-in.
bool at_gateway(const View& v) {
    const auto around = v.text_around();
    for (const std::string_view gateway : v.model.gateways) {
        if (gateway.empty()) continue;
        for (std::size_t at = 0; (at = around.find(gateway, at)) != std::string_view::npos; ++at) {
            const auto end = at + gateway.size();
            if ((at == 0 || !is_host_char(around[at - 1])) &&
                (end == around.size() || !is_host_char(around[end])))
                return true;
        }
    }
    return false;
}

/// The nearest definition above with a smaller indent, or the key path.
std::string symbol_of(const ParsedFile& file, const Segment& segment, std::uint32_t line) {
    if (segment.path < file.segments.paths.size() && !file.segments.paths[segment.path].empty())
        return file.segments.paths[segment.path];
    if (!file.source.form().code) return {};
    const auto indent_of = [](std::string_view text) { return text.find_first_not_of(" \t"); };
    auto limit = indent_of(file.source.line(line));
    for (std::uint32_t back = 1; back <= 400 && back <= line; ++back) {
        const auto text = file.source.line(line - back);
        const auto indent = indent_of(text);
        if (indent == std::string_view::npos || indent >= limit) continue;
        limit = indent;
        static constexpr std::string_view kDefines[] = {"def", "class",     "function", "func",
                                                        "fn",  "interface", "struct",   "enum"};
        if (mentions(text.substr(0, 120), kDefines) || text.find("=> {") != std::string_view::npos)
            return std::string(trim(text.substr(0, 100)));
        if (indent == 0) break;
    }
    return {};
}

struct LineClaims {
    const Rule* rule = nullptr;
    Claim claim;
    const Token* token = nullptr;
    std::vector<int> also;
};

int rank_of(const Rule& rule, const Claim& claim) {
    // A note never hides what must change.
    return (claim.rank != 0 ? claim.rank : rule.id) + (claim.level == Level::kNote ? 1000 : 0);
}

}  // namespace

std::string masked(std::string_view text) {
    std::string out(text);
    // scheme://user:password@host
    for (std::size_t at = 0; (at = out.find("://", at)) != std::string::npos; at += 3) {
        const auto end = out.find_first_of("/ \"'", at + 3);
        const auto sign = out.substr(0, end).rfind('@');
        if (sign == std::string::npos || sign < at + 3) continue;
        const auto colon = out.find(':', at + 3);
        if (colon < sign) out.replace(colon + 1, sign - colon - 1, "***");
    }
    static constexpr std::string_view kSecrets[] = {
        "password", "passwd", "secret",        "api_key",     "apikey",
        "api-key",  "token",  "authorization", "private_key", "access_key"};
    const std::string lower = to_lower(out);
    for (const auto secret : kSecrets) {
        const auto at = lower.find(secret);
        if (at == std::string::npos) continue;
        const auto equals = out.find_first_of("=:", at + secret.size());
        if (equals == std::string::npos || equals > at + secret.size() + 3) continue;
        const auto begin = out.find_first_not_of(" \"'`", equals + 1);
        if (begin == std::string::npos) continue;
        const auto end = std::min(out.find_first_of(" \"'`,;)", begin), out.size());
        const auto value = std::string_view(out).substr(begin, end - begin);
        const bool harmless =
            value.size() < 8 || has_word(value) ||
            value.find_first_of("${}().") != std::string_view::npos ||
            std::none_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (!harmless) return out.replace(begin, end - begin, "***");
    }
    for (const std::string_view prefix : {"sk-", "ghp_", "hf_", "xoxb-", "AKIA", "glpat-"})
        if (const auto at = out.find(prefix); at != std::string::npos) {
            auto end = at;
            while (end < out.size() && (std::isalnum(static_cast<unsigned char>(out[end])) != 0 ||
                                        out[end] == '-' || out[end] == '_'))
                ++end;
            if (end - at >= 20) out.replace(at, end - at, "***");
        }
    return out;
}

Finding finding_at(const ParsedFile& file, std::size_t begin, std::size_t end) {
    Finding finding;
    finding.path = file.source.path();
    const auto line = file.source.line_of(begin);
    const auto text = file.source.line(line);
    const auto start = file.source.line_start(line);
    end = std::max(begin, std::min(end, start + text.size()));  // a finding stays on its line
    finding.line = finding.end_line = line + 1;
    finding.column = static_cast<std::uint32_t>(begin - start) + 1;
    finding.end_column = static_cast<std::uint32_t>(end - start) + 1;
    finding.column_utf16 = utf16_column(text, begin - start) + 1;
    finding.end_column_utf16 = utf16_column(text, end - start) + 1;
    finding.byte_start = begin;
    finding.byte_end = end;
    finding.token = replace_invalid_utf8(
        masked(file.source.text().substr(begin, std::min<std::size_t>(end - begin, kSnippet))));
    // Long lines: what is around the token.
    const std::size_t from = finding.column > kSnippet ? finding.column - kSnippet / 2 : 0;
    finding.snippet = replace_invalid_utf8(masked(trim(text.substr(from, kSnippet))));
    finding.outside_git = file.outside_git;
    return finding;
}

std::vector<Finding> judge(const ParsedFile& file, const Model& model,
                           const std::set<int>& disabled) {
    std::vector<Finding> out;
    const auto& form = file.source.form();
    const Surroundings around(file);
    std::map<std::uint32_t, LineClaims> lines;
    std::map<std::uint32_t, std::pair<int, const Token*>> notes;
    const auto note = [&](int rule, const Token& token) {
        notes.try_emplace(file.source.line_of(token.begin), rule, &token);
    };
    bool long_line = false;
    for (const auto& token : file.tokens) {
        const auto view = make_view(file, model, token, around);
        const auto line = file.source.line_of(token.begin);
        if (view.line.size() > kLongLine && form.language != Language::kNotebook &&
            form.language != Language::kMarkdown) {
            const bool sign = token.type == TokenType::kWord || token.type == TokenType::kPort;
            if (sign && !long_line) note(150, token);
            long_line = long_line || sign;
            continue;
        }
        const bool literal = token.type == TokenType::kWord || token.type == TokenType::kLink;
        if (form.history) {
            if (literal || token.type == TokenType::kPort) note(151, token);
            continue;
        }
        if (token.type == TokenType::kWord) {
            const auto at = static_cast<std::size_t>(view.text.data() - view.line.data());
            if (model.is_own_name(view.name()) ||
                (!view.code() && model.own_name_covers(view.line, at))) {
                const bool address = find_port(view.text_around()).has_value();
                if (!address && token.role == Role::kNone) {
                    note(152, token);
                    continue;
                }
            }
            if (in_foreign_url(view) && !find_port(view.text_around()) &&
                !find_native_path(view.text_around()))
                continue;
            if (!view.comment() && !form.doc &&
                (is_data_name(view) || model.data_names.contains(normalised(view.name())))) {
                note(153, token);
                continue;
            }
        }
        if (form.migration && literal && !view.code()) {
            note(151, token);
            continue;
        }
        for (const Rule* rule : all_rules()) {
            if (disabled.contains(rule->id)) continue;
            if (rule->id == kBaseUrlRule.id && at_gateway(view)) continue;
            auto claimed = rule->judge(view);
            if (!claimed) continue;
            auto& at = lines[line];
            const bool better =
                at.rule == nullptr || rank_of(*rule, *claimed) < rank_of(*at.rule, at.claim);
            if (at.rule != nullptr) {
                const int loser = better ? at.rule->id : rule->id;
                if (loser != (better ? rule->id : at.rule->id) && loser < 150 &&
                    std::find(at.also.begin(), at.also.end(), loser) == at.also.end())
                    at.also.push_back(loser);
            }
            if (better) {
                at.rule = rule;
                at.claim = std::move(*claimed);
                at.token = &token;
            }
        }
    }
    for (auto& [line, best] : lines) {
        // An own name on the same line is no reason to be silent about the rest.
        Finding finding = finding_at(file, best.token->begin, best.token->end);
        finding.rule = best.rule->id;
        finding.level = best.claim.level;
        finding.confidence = best.claim.confidence;
        if (finding.confidence == Confidence::kPossible) finding.level = Level::kNote;
        finding.message = best.claim.message;
        finding.why = best.token->why;
        if (const auto learned = model.learned.find(finding.token);
            best.token->type == TokenType::kLearned && learned != model.learned.end())
            finding.why.push_back(learned->second.from);
        std::erase(best.also, best.rule->id);
        std::sort(best.also.begin(), best.also.end());
        finding.also = best.also;
        finding.breaks_at_runtime = best.rule->breaks_at_runtime && finding.level == Level::kError;
        finding.fix.mode = finding.level == Level::kNote ? "none" : "ask";
        finding.fix.step = best.rule->id == 104 || best.rule->id == 105 ? "drop-in" : "final";
        if (best.rule->id == kModelTagRule.id)
            if (const auto id = model.model_ids.find(finding.token); id != model.model_ids.end())
                finding.fix.to = id->second;
        finding.symbol = symbol_of(
            file, file.segments.list.empty() ? Segment{} : file.segments.list[best.token->segment],
            line);
        out.push_back(std::move(finding));
        notes.erase(line);
    }
    for (const auto& [line, what] : notes) {
        if (disabled.contains(what.first)) continue;
        Finding finding = finding_at(file, what.second->begin, what.second->end);
        finding.rule = what.first;
        finding.level = Level::kNote;
        finding.confidence = Confidence::kCertain;
        finding.message = std::string(find_rule(what.first)->title);
        finding.fix.mode = "none";
        out.push_back(std::move(finding));
        (void)line;
    }
    // A file that is named for it: its name must change with every import.
    const auto& path = file.source.path();
    const auto slash = path.rfind('/');
    const auto name = std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
    if (has_word(name) && !form.history && !form.derived && !model.is_own_name(name) &&
        !disabled.contains(119)) {
        const auto first =
            std::find_if(out.begin(), out.end(), [](const Finding& f) { return f.line == 1; });
        if (first != out.end() && first->level != Level::kNote) {
            if (first->rule != 119) first->also.push_back(119);
        } else if (first == out.end()) {
            Finding finding = finding_at(file, 0, 0);
            finding.rule = 119;
            finding.level = Level::kWarning;
            finding.confidence = Confidence::kCertain;
            finding.token = std::string(name);
            finding.message = "the file is named for Ollama";
            out.push_back(std::move(finding));
        }
    }
    std::sort(out.begin(), out.end(), [](const Finding& a, const Finding& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    return out;
}

bool has_letters(std::string_view text) {
    return find_letters(text, 0) != std::string_view::npos;
}

std::vector<Finding> look_alikes(const ParsedFile& file, const std::vector<Finding>& found) {
    std::vector<Finding> out;
    std::set<std::uint32_t> taken;
    for (const auto& finding : found)
        for (auto line = finding.line; line <= finding.end_line; ++line)
            taken.insert(line);
    const auto text = file.source.text();
    for (std::size_t at = 0; (at = find_letters(text, at)) != std::string_view::npos;
         at += kLetters.size()) {
        if (!taken.insert(file.source.line_of(at) + 1).second) continue;
        Finding finding = finding_at(file, at, at + kLetters.size());
        finding.rule = 156;
        finding.level = Level::kNote;
        finding.confidence = Confidence::kCertain;
        finding.message =
            find_word(text.substr(at, kLetters.size() + 1)) &&
                    (at == 0 || std::isalpha(static_cast<unsigned char>(text[at - 1])) == 0)
                ? "names something of others, not Ollama itself"
                : "only the letters: another name";
        finding.fix.mode = "none";
        out.push_back(std::move(finding));
    }
    return out;
}

void number(std::vector<Finding>& findings) {
    std::map<std::string, int> seen;
    for (auto& finding : findings) {
        std::string key = std::to_string(finding.rule) + "\n" + finding.path + "\n" +
                          to_lower(finding.token) + "\n" + finding.symbol;
        const int ordinal = seen[key]++;
        finding.id = sha256_hex(key + "\n" + std::to_string(ordinal)).substr(0, 24);
    }
}

}  // namespace segue::audit
