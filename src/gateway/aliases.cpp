#include "gateway/aliases.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.hpp"
#include "base/text.hpp"
#include "engine/parameters.hpp"

namespace segue::gateway {

Result<std::unique_ptr<AliasStore>> AliasStore::open(std::string file) {
    std::unique_ptr<AliasStore> store(new AliasStore(std::move(file)));
    SEGUE_TRY_VOID(store->refresh());
    return store;
}

Result<std::vector<engine::Alias>> AliasStore::read() const {
    // Nothing is in a file: what is in memory is all there is.
    if (file_.empty()) return aliases_;
    std::vector<engine::Alias> aliases;
    const auto text = read_file(file_);
    if (!text && text.error().fault == Fault::kNotFound) return aliases;
    if (!text) return tl::make_unexpected(text.error());
    json::Parser parser;
    const auto root = parser.parse(*text);
    if (!root || !(*root)["aliases"].is_array())
        return fail(Fault::kIo,
                    fmt::format("cannot read {}: it is not the list of aliases that segue wrote; "
                                "mend it or move it away",
                                file_));
    for (const auto item : (*root)["aliases"]) {
        engine::Alias alias;
        alias.name = item["name"].string();
        alias.target = item["target"].string();
        alias.made = WallTime(std::chrono::seconds(item["made"].integer().value_or(0)));
        if (item["profile"].is_object()) alias.overrides = item["profile"].raw();
        aliases.push_back(std::move(alias));
    }
    return aliases;
}

Result<std::optional<FileLock>> AliasStore::lock_file() const {
    if (file_.empty()) return std::nullopt;
    SEGUE_TRY(lock, FileLock::take(file_));
    return lock;
}

std::vector<engine::Alias> AliasStore::list() const {
    const std::lock_guard lock(mutex_);
    return aliases_;
}

Result<void> AliasStore::refresh() {
    const std::lock_guard lock(mutex_);
    SEGUE_TRY(aliases, read());
    aliases_ = std::move(aliases);
    return {};
}

Result<void> AliasStore::put(engine::Alias alias) {
    const std::lock_guard lock(mutex_);
    SEGUE_TRY(file_lock, lock_file());
    SEGUE_TRY(aliases, read());
    std::erase_if(aliases, [&](const engine::Alias& old) { return old.name == alias.name; });
    aliases.push_back(std::move(alias));
    SEGUE_TRY_VOID(write(aliases));
    aliases_ = std::move(aliases);
    return {};
}

Result<bool> AliasStore::remove(std::string_view canonical_name) {
    const std::lock_guard lock(mutex_);
    SEGUE_TRY(file_lock, lock_file());
    SEGUE_TRY(aliases, read());
    if (std::erase_if(aliases,
                      [&](const engine::Alias& old) { return old.name == canonical_name; }) == 0)
        return false;
    SEGUE_TRY_VOID(write(aliases));
    aliases_ = std::move(aliases);
    return true;
}

Result<void> AliasStore::write(const std::vector<engine::Alias>& aliases) const {
    if (file_.empty()) return {};
    const std::string text = json::object([&](json::Writer& w) {
        w.key("aliases").begin_array();
        for (const auto& alias : aliases) {
            w.begin_object().member("name", alias.name).member("target", alias.target);
            w.member("made", unix_seconds(alias.made));
            if (!alias.overrides.empty()) w.member_raw("profile", alias.overrides);
            w.end_object();
        }
        w.end_array();
    });
    return replace_file(file_, text + "\n", FileAccess::kEverybody);
}

llm::Outcome<llm::Profile> profile_from_create(const llm::Profile& base, json::Value request) {
    llm::Profile profile = base;
    if (request["system"].is_string()) profile.system = request["system"].string();
    if (request["template"].is_string()) profile.template_text = request["template"].string();
    if (request["license"].is_string()) profile.license = request["license"].string();
    for (const auto parameter : request["parameters"]) {
        if (!engine::set_parameter(profile, parameter.key(), parameter))
            return llm::refuse(llm::Failure::Cause::kBadRequest,
                               fmt::format("parameter '{}' has the wrong type", parameter.key()));
    }
    if (request["messages"].is_array()) profile.messages.clear();
    for (const auto item : request["messages"]) {
        llm::Message message;
        message.role = to_lower(item["role"].string("user"));
        message.parts.emplace_back(llm::TextPart{std::string(item["content"].string())});
        profile.messages.push_back(std::move(message));
    }
    return profile;
}

}  // namespace segue::gateway
