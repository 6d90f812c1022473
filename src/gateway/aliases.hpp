/// Names that clients make with Ollama's create and copy (wire 3.9): kept in one JSON file in the
/// data folder, or nowhere.
///
/// Thread: any; changes are serialised here and handed to the registry. Two processes may share the
/// file (while one takes over from the other): a change is made to what the file holds then, under
/// a lock.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "engine/registry.hpp"
#include "llm/failure.hpp"

namespace segue::gateway {

class AliasStore {
public:
    /// `file` "" = names live in memory only as long as the program. A file that cannot be read is
    /// an error, not an empty list.
    static Result<std::unique_ptr<AliasStore>> open(std::string file);

    /// Without profiles: Gateway makes them over what the targets have now.
    std::vector<engine::Alias> list() const;
    /// Adds or replaces; written to the file before it counts.
    Result<void> put(engine::Alias alias);
    /// False: there is no such alias.
    Result<bool> remove(std::string_view canonical_name);
    /// Reads what another process has changed.
    Result<void> refresh();

private:
    explicit AliasStore(std::string file) : file_(std::move(file)) {}
    Result<std::optional<FileLock>> lock_file() const;
    Result<std::vector<engine::Alias>> read() const;
    Result<void> write(const std::vector<engine::Alias>& aliases) const;
    const std::string file_;
    mutable std::mutex mutex_;
    std::vector<engine::Alias> aliases_;
};

/// A profile over `base` from a create request's members system, parameters, messages, template,
/// license.
llm::Outcome<llm::Profile> profile_from_create(const llm::Profile& base, json::Value request);

}  // namespace segue::gateway
