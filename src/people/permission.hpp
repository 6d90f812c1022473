/// Who may do what: the permissions by the names that /segue/v1/openapi.json gives
/// (x-segue-permission), the roles, and the one table that says which role has which.
///
/// Thread: constants and values.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace segue::people {

enum class Permission : std::uint8_t {
    kAnybody,   // also who is not signed in
    kSignedIn,  // any person
    kModels,
    kEngines,
    kEnginesManage,
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
    std::pair{Permission::kEnginesManage, std::string_view("engines.manage")},
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

/// The five of a migration besides those that every company has.
enum class Role : std::uint8_t { kAdmin, kUser, kMain, kReader, kWriter, kDebug, kDocumentation };

struct RoleRow {
    Role role;
    std::string_view name;  // as the API and the database write it
    std::string_view what;
    Permissions may;
};

namespace detail {
template <class... P>
constexpr unsigned long long bits(P... permissions) {
    return ((1ULL << static_cast<unsigned>(permissions)) | ... | 0ULL);
}
using enum Permission;
inline constexpr unsigned long long kAsking = bits(kAnybody, kSignedIn, kModels, kChat, kDocuments);
inline constexpr unsigned long long kLooking = bits(kEngines, kTraffic, kActivity);
inline constexpr unsigned long long kFilling = bits(kDocumentsWrite);
}  // namespace detail

/// The table. docs/people.md shows it; the tests walk every route with every row.
inline const std::array kRoles{
    RoleRow{Role::kAdmin, "admin", "everything",
            Permissions((1ULL << kPermissionNames.size()) - 1)},
    RoleRow{Role::kUser, "user", "asks, and reads documents", Permissions(detail::kAsking)},
    RoleRow{Role::kMain, "main", "leads the migration: everything but people and settings",
            Permissions(detail::kAsking | detail::kLooking | detail::kFilling |
                        detail::bits(Permission::kMetrics, Permission::kSettings,
                                     Permission::kEnginesManage, Permission::kDocumentsManage,
                                     Permission::kPeople, Permission::kKeysManage))},
    RoleRow{Role::kReader, "reader", "sees what happens, changes nothing",
            Permissions(detail::kAsking | detail::kLooking)},
    RoleRow{Role::kWriter, "writer", "asks, and adds documents",
            Permissions(detail::kAsking | detail::kFilling | detail::bits(Permission::kEngines))},
    RoleRow{Role::kDebug, "debug", "looks for faults: engines, figures, settings, activity",
            Permissions(detail::kAsking | detail::kLooking |
                        detail::bits(Permission::kMetrics, Permission::kSettings,
                                     Permission::kEnginesManage))},
    RoleRow{Role::kDocumentation, "documentation", "keeps the documents",
            Permissions(detail::kAsking | detail::kFilling |
                        detail::bits(Permission::kDocumentsManage))},
};

inline const RoleRow& row_of(Role role) {
    return kRoles[static_cast<std::size_t>(role)];
}
inline std::string_view role_name(Role role) {
    return row_of(role).name;
}
inline std::optional<Role> role_of(std::string_view name) {
    for (const auto& row : kRoles)
        if (row.name == name) return row.role;
    return std::nullopt;
}
inline bool allowed(Role role, Permission permission) {
    return row_of(role).may.test(static_cast<std::size_t>(permission));
}

}  // namespace segue::people
