#include "rewrite/steps/name_map.hpp"

#include <array>
#include <cctype>

#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"
#include "rewrite/core/places.hpp"

namespace segue::rewrite {
namespace {

// In the order in which they are the address more surely than the next one.
constexpr std::array<std::string_view, 11> kAddressSuffixes{
    "url",         "baseurl",   "endpoint", "apiurl", "apibase", "apibaseurl",
    "apiendpoint", "serverurl", "hosturl",  "uri",    "baseuri"};

bool name_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

/// What stands behind the word: "OLLAMA_BASE_URL" → "baseurl".
std::string suffix_of(std::string_view name) {
    const auto word = audit::find_word(name);
    return word ? squeezed(name.substr(word->begin + 6)) : std::string();
}

bool is_address_suffix(std::string_view suffix) {
    for (const auto known : kAddressSuffixes)
        if (known == suffix) return true;
    return false;
}

/// "vllm" in the letters of "Ollama".
std::string word_like(std::string_view word, Manner manner, bool alone) {
    bool upper = true;
    bool lower = true;
    for (const char c : word) {
        upper = upper && std::isupper(static_cast<unsigned char>(c)) != 0;
        lower = lower && std::islower(static_cast<unsigned char>(c)) != 0;
    }
    if (upper) return "VLLM";
    if (lower) return "vllm";
    if (alone && manner == Manner::kProse) return "vLLM";
    return std::islower(static_cast<unsigned char>(word.front())) != 0 ? "vllm" : "Vllm";
}

/// "_ENDPOINT", "Endpoint", "-endpoint", as the old suffix was written.
std::string endpoint_like(std::string_view old) {
    if (old.starts_with('_'))
        return std::isupper(static_cast<unsigned char>(old[1])) != 0 ? "_ENDPOINT" : "_endpoint";
    if (old.starts_with('-')) return "-endpoint";
    return std::isupper(static_cast<unsigned char>(old.front())) != 0 ? "Endpoint" : "endpoint";
}

/// The file gives OLLAMA_HOST a whole address, or lets a client library read it.
bool host_is_address(std::string_view text) {
    bool address = false;
    for (auto word = audit::find_word(text); word; word = audit::find_word(text, word->end)) {
        const auto id = identifier_around(text, *word);
        const auto name = text.substr(id.begin, id.end - id.begin);
        if (suffix_of(name) != "host") {
            if (suffix_of(name) == "port") return false;
            continue;
        }
        // http://{OLLAMA_HOST}, http://${OLLAMA_HOST}, "http://" + OLLAMA_HOST
        const auto before = text.substr(id.begin > 14 ? id.begin - 14 : 0,
                                        id.begin - (id.begin > 14 ? id.begin - 14 : 0));
        if (before.find("://") != std::string_view::npos) return false;
        const auto line = line_around(text, id.begin);
        const auto scheme = line.find("://");
        if (scheme != std::string_view::npos) address = true;
    }
    // The default stands in a constant of its own: Ollama's, or after drop-in Segue's.
    for (const std::string_view near :
         {"://localhost:11434", "://127.0.0.1:11434", "://localhost:8484", "://127.0.0.1:8484"})
        address = address || text.find(near) != std::string_view::npos;
    return address;
}

}  // namespace

std::string squeezed(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) out += ascii_lower(c);
    return out;
}

audit::Range identifier_around(std::string_view text, audit::Range word) {
    auto begin = word.begin;
    while (begin > 0 && name_char(text[begin - 1]))
        --begin;
    auto end = word.begin + 6;
    while (end < text.size() && name_char(text[end]))
        ++end;
    // "--ollama-base-url"
    auto longer = end;
    while (longer < text.size() && (name_char(text[longer]) || text[longer] == '-'))
        ++longer;
    if (longer > end && is_address_suffix(suffix_of(text.substr(begin, longer - begin))))
        end = longer;
    return {begin, end};
}

void NameMap::see_names(const File& file) {
    // What the tree called things before anything was written.
    File before;
    before.path = file.old_path;
    before.text = file.theirs;
    before.form = file.form;
    const std::string_view text = before.text;
    if (to_lower(text).find("vllm") == std::string::npos) return;
    const Regions regions(before);
    auto& words = words_[file.path];
    for (std::size_t at = 0; at < text.size();) {
        if (!name_char(text[at])) {
            ++at;
            continue;
        }
        auto end = at;
        while (end < text.size() && name_char(text[end]))
            ++end;
        const auto name = text.substr(at, end - at);
        const auto region = regions.at(at);
        if (region != Region::kComment && region != Region::kProse && region != Region::kText) {
            if (to_lower(name).find("vllm") != std::string::npos) names_.emplace(name);
            const bool whole =
                region == Region::kKey || region == Region::kValue ||
                (at > 0 && end < text.size() && (text[at - 1] == '"' || text[at - 1] == '\'') &&
                 text[end] == text[at - 1]);
            if (whole && (name == "ollama" || name == "vllm")) words.emplace(name);
        }
        at = end;
    }
    if (file.form.code && words.contains("ollama") && words.contains("vllm")) both_engines_ = true;
}

NameMap::NameMap(const Workspace& workspace) {
    std::set<std::string, std::less<>> suffixes;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable()) continue;
        const std::string_view text = file.text;
        litellm_ =
            litellm_ || (!file.form.doc && to_lower(text).find("litellm") != std::string::npos);
        // What was there says it; in code that we wrote it is an address.
        const bool theirs = to_lower(file.theirs).find("ollama_host") != std::string::npos ||
                            to_lower(file.theirs).find("ollamahost") != std::string::npos;
        if (host_is_address(theirs ? std::string_view(file.theirs) : text))
            host_is_address_.insert(path);
        for (auto word = audit::find_word(text); word; word = audit::find_word(text, word->end)) {
            const auto id = identifier_around(text, *word);
            const auto suffix = suffix_of(text.substr(id.begin, id.end - id.begin));
            if (is_address_suffix(suffix)) suffixes.insert(suffix);
        }
        if (!file.form.doc) see_names(file);
    }
    for (const auto known : kAddressSuffixes)
        if (suffixes.contains(known)) {
            endpoint_suffix_ = known;
            break;
        }
    for (const auto& name : names_)
        if (squeezed(name) == "vllmendpoint") endpoint_taken_ = true;
}

std::string NameMap::renamed(std::string_view name, std::string_view path, Manner manner) const {
    if (name == "OLLAMA_API_BASE" && litellm_) return "HOSTED_VLLM_API_BASE";
    std::string out;
    std::size_t from = 0;
    for (auto word = audit::find_word(name); word; word = audit::find_word(name, from)) {
        out.append(name.substr(from, word->begin - from));
        const auto letters = name.substr(word->begin, 6);
        out += word_like(letters, manner, name.size() == 6);
        from = word->begin + 6;
        if (endpoint_taken_) continue;
        const auto suffix = squeezed(name.substr(from));
        const bool address = !endpoint_suffix_.empty() && suffix == endpoint_suffix_;
        const bool host = suffix == "host" && host_is_address_.contains(path);
        if ((address || host) && suffix != "endpoint") {
            out += endpoint_like(name.substr(from));
            from = name.size();
            break;
        }
    }
    out.append(name.substr(from));
    return out;
}

std::string NameMap::kept(std::string_view name, std::string_view path) const {
    if (name == "ollama") {
        const auto words = words_.find(path);
        const bool here = words != words_.end() && words->second.contains("vllm");
        return here || both_engines_ ? "both engines are named here: decide which one stays"
                                     : std::string();
    }
    const auto fresh = renamed(name, path, Manner::kCode);
    if (names_.contains(fresh))
        return "there is a " + fresh + " already: decide which of the two stays";
    return {};
}

}  // namespace segue::rewrite
