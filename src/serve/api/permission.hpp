/// What a caller of Segue's own API may be allowed, by the names that /segue/v1/openapi.json gives
/// (x-segue-permission). Which role has which is the table of src/people.
///
/// Thread: values.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace segue::serve::api {

enum class Permission : std::uint8_t {
    kAnybody,   // also who is not signed in
    kSignedIn,  // any person
    kModels,
    kEngines,
    kMetrics,
    kTraffic,
    kSettings,
    kSettingsManage,
    kChat,
    kDocuments,
    kDocumentsWrite,
    kDocumentsManage,
    kPeople,
    kPeopleManage,
    kKeysManage,
    kActivity,
};

inline constexpr std::array kPermissionNames{
    std::pair{Permission::kAnybody, std::string_view("anybody")},
    std::pair{Permission::kSignedIn, std::string_view("signed_in")},
    std::pair{Permission::kModels, std::string_view("models")},
    std::pair{Permission::kEngines, std::string_view("engines")},
    std::pair{Permission::kMetrics, std::string_view("metrics")},
    std::pair{Permission::kTraffic, std::string_view("traffic")},
    std::pair{Permission::kSettings, std::string_view("settings")},
    std::pair{Permission::kSettingsManage, std::string_view("settings.manage")},
    std::pair{Permission::kChat, std::string_view("chat")},
    std::pair{Permission::kDocuments, std::string_view("documents")},
    std::pair{Permission::kDocumentsWrite, std::string_view("documents.write")},
    std::pair{Permission::kDocumentsManage, std::string_view("documents.manage")},
    std::pair{Permission::kPeople, std::string_view("people")},
    std::pair{Permission::kPeopleManage, std::string_view("people.manage")},
    std::pair{Permission::kKeysManage, std::string_view("keys.manage")},
    std::pair{Permission::kActivity, std::string_view("activity")},
};

constexpr std::string_view permission_name(Permission permission) {
    return kPermissionNames[static_cast<std::size_t>(permission)].second;
}
constexpr std::optional<Permission> permission_of(std::string_view name) {
    for (const auto& [permission, its_name] : kPermissionNames)
        if (its_name == name) return permission;
    return std::nullopt;
}
static_assert([] {
    for (std::size_t i = 0; i < kPermissionNames.size(); ++i)
        if (static_cast<std::size_t>(kPermissionNames[i].first) != i) return false;
    return true;
}());

using Permissions = std::bitset<kPermissionNames.size()>;

}  // namespace segue::serve::api
