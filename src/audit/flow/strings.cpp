// Literals and what is put together from them: addresses, paths behind them, tags.
#include <algorithm>
#include <cctype>
#include <utility>

#include "audit/flow/pass.hpp"
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {

using namespace trait;

std::string_view Pass::literal(Node node) const {
    if (kind(node) == NodeKind::kThrough && node.named_count() == 1) return literal(node.named(0));
    if (node.type() == "bracketed_argument_list" && node.named_count() == 1)
        return literal(node.named(0));
    if (kind(node) != NodeKind::kString) return {};
    const auto whole = text(node);
    if (whole.find("${") != std::string_view::npos) return {};
    return unquoted(whole);
}

std::uint32_t Pass::literal_traits(std::string_view text) const {
    const auto traits = traits_of_text(text);
    return file_.speaks && is_bare_family(text) ? traits | kTag : traits;
}

std::uint32_t traits_of_text(std::string_view text) {
    std::uint32_t traits = 0;
    if (find_port(text)) traits |= kAddress;
    if (const auto word = find_word(text)) {
        const auto scheme = text.find("://");
        if (scheme != std::string_view::npos && scheme < word->begin &&
            text.substr(scheme + 3, word->begin - scheme - 3).find('/') == std::string_view::npos &&
            !find_link(text))
            traits |= kAddress;
    }
    if ((traits & kAddress) != 0 && text.find("/v1") != std::string_view::npos) traits |= kOpenAi;
    if ((traits & kAddress) != 0 && (text.ends_with("/api") || text.ends_with("/api/")))
        traits |= kApiBase;
    const auto tag = find_tag(text);
    if (tag && tag->at == Range{0, text.size()} && tag->family_known) traits |= kTag;
    return traits;
}

namespace {

/// Also "api/chat", which a client puts behind its base address.
std::optional<Range> native_path_in(std::string_view text) {
    if (const auto path = find_native_path(text)) return path;
    if (!text.starts_with("api/")) return std::nullopt;
    const auto path = find_native_path("/" + std::string(text));
    return path && path->begin == 0 ? std::optional(Range{0, path->end - 1}) : std::nullopt;
}

}  // namespace

void Pass::tail(std::string_view part, std::uint32_t offset, const Value& base) {
    if (const auto path = native_path_in(part)) {
        emit(Role::kTail, offset + static_cast<std::uint32_t>(path->begin),
             offset + static_cast<std::uint32_t>(path->end), base);
    } else if (base.has(kApiBase) && part.starts_with('/') &&
               is_native_tail(part.substr(0, part.find_first_of("?#")))) {
        emit(Role::kTail, offset, offset + static_cast<std::uint32_t>(part.size()), base);
    } else if (const auto at = part.find("/v1/"); at != std::string_view::npos) {
        emit(Role::kTail, offset + static_cast<std::uint32_t>(at),
             offset + static_cast<std::uint32_t>(part.size()), base);
    }
}

bool Pass::is_native_request(Node node, std::string_view text) const {
    const auto path = native_path_in(text);
    // With a host before it, the host decides (literal_traits).
    if (!path || !file_.speaks || text.substr(0, path->begin).find("://") != std::string_view::npos)
        return false;
    auto route = std::string(text.substr(path->begin, path->end - path->begin));
    if (!route.starts_with('/')) route.insert(0, 1, '/');
    return !world_.model.routes.contains(route) &&
           file_.around->at(line_of(node) - 1) == Server::kOllama &&
           !names_other_server(text.substr(0, path->begin));
}

namespace {

bool is_hole(Node part) {
    const std::string_view type = part.type();
    return type == "interpolation" || type == "template_substitution";
}

/// "cannot reach {url} now" is a message, no address.
bool is_message(Node node, std::string_view whole) {
    auto spaces = std::count(whole.begin(), whole.end(), ' ');
    const auto from = node.start();
    const auto count = node.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = node.named(i);
        if (!is_hole(part)) continue;
        const auto hole = whole.substr(part.start() - from, part.end() - part.start());
        spaces -= std::count(hole.begin(), hole.end(), ' ');
    }
    return spaces > 2;
}

}  // namespace

bool is_other_engine(std::string_view text) {
    return text.find("://") != std::string_view::npos && !find_port(text) && !has_word(text) &&
           (text.find(":8000") != std::string_view::npos || names_other_server(text));
}

Value Pass::string(Node node) {
    Value all;
    const auto whole = text(node);
    const auto count = node.named_count();
    const bool message = is_message(node, whole);
    const bool was_muted = std::exchange(muted_, muted_ || message);
    bool holes = false;
    std::uint32_t at = node.start();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = node.named(i);
        if (is_hole(part)) {
            holes = true;
            all.merge(eval(part, Place::kValue));
            at = part.end();
            continue;
        }
        if (holes && all.has(kAddress) && !message) {
            const auto fragment = text(part);
            tail(fragment, part.start(), all);
            if (fragment.find("/v1") != std::string_view::npos) all.traits |= kOpenAi;
            if (fragment.ends_with("/api") || fragment.ends_with("/api/")) all.traits |= kApiBase;
        }
    }
    muted_ = was_muted;
    if (holes && message) return {};
    // A last fragment that is no node of its own.
    if (holes && all.has(kAddress) && at < node.end()) {
        const auto rest = whole.substr(at - node.start());
        tail(rest.substr(0, rest.find_last_not_of("`\"'") == std::string_view::npos
                                ? 0
                                : rest.find_last_not_of("`\"'") + 1),
             at, all);
        if (rest.find("/v1") != std::string_view::npos) all.traits |= kOpenAi;
    }
    if (holes && !all.has(kAddress) && is_native_request(node, whole))
        all.merge(with(kAddress, node, "a path of Ollama's API"));
    const auto traits = holes ? literal_traits(whole) & ~static_cast<std::uint32_t>(kTag)
                              : literal_traits(unquoted(whole));
    if (traits != 0)
        all.merge(
            with(traits, node,
                 (traits & kAddress) != 0 ? "an address of Ollama" : "a tag of Ollama's registry"));
    return holes ? inherit(all, kAddress | kOpenAi | kApiBase | kTag) : all;
}

Value Pass::mix(Node node) {
    Value all;
    const auto count = node.named_count();
    const Node condition = child(node, "condition");
    const Node sign = child(node, "operator");
    const bool compares =
        !is_null(sign) && one_of(text(sign), {"==", "!=", "===", "!==", "<", ">", "<=", ">="});
    bool other_engine = false;
    bool another = false;
    const std::string_view how = node.type();
    const bool chooses = how == "ternary_expression" || how == "conditional_expression";
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node part = node.named(i);
        const auto fragment = literal(part);
        if (fragment.starts_with('/') && !all.has(kAddress) && i > 0 &&
            is_native_request(part, fragment))
            all.merge(with(kAddress, part, "a path of Ollama's API"));
        if (!fragment.empty() && all.has(kAddress) && fragment.starts_with('/')) {
            tail(fragment, part.start() + 1, all);
            if (fragment.starts_with("/v1")) all.traits |= kOpenAi;
            if (fragment == "/api" || fragment == "/api/") all.traits |= kApiBase;
            continue;
        }
        other_engine = other_engine || is_other_engine(fragment);
        const Asking asking(*this, compares || (!is_null(condition) && part == condition));
        const Value value = eval(part, Place::kValue);
        another = another || (chooses && !asking_ && is_another_setting(part, value));
        all.merge(value);
    }
    if (compares) return {};
    // `env.OLLAMA_URL || 'http://vllm:8000'`: the value decides, not the name.
    if (other_engine) return {};
    // `provider === 'ollama' ? env.OLLAMA_MODEL : env.OPENAI_MODEL`: which one is not known.
    if (another) all.traits &= ~kSetting;
    all.traits &= ~static_cast<std::uint32_t>(kMethod);
    return all;
}

}  // namespace segue::audit
