#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "serve/api/chat.hpp"
#include "serve/api/documents.hpp"
#include "serve/api/engines.hpp"
#include "serve/api/people.hpp"
#include "serve/api/route.hpp"
#include "serve/api/session.hpp"
#include "serve/api/system.hpp"
#include "serve/api/traffic.hpp"

namespace segue::serve::api {
namespace {

using enum Permission;
constexpr Csrf kFree = Csrf::kNotNeeded;
constexpr Csrf kToken = Csrf::kNeeded;
constexpr BodyKind kNone = BodyKind::kNone;
constexpr BodyKind kJson = BodyKind::kJson;
constexpr BodyKind kFile = BodyKind::kFile;
constexpr Place kWorker = Place::kWorker;
constexpr Place kCrew = Place::kCrew;
constexpr Needs kNothing = Needs::kNothing;
constexpr Needs kStore = Needs::kStore;

// clang-format off
constexpr std::array kRoutes{
    Route{"GET", "/livez", "livez", kAnybody, kFree, kNone, kWorker, kNothing, system::live},
    Route{"GET", "/readyz", "readyz", kAnybody, kFree, kNone, kWorker, kNothing, system::ready},
    Route{"GET", "/metrics", "metrics", kMetrics, kFree, kNone, kWorker, kNothing, system::metrics},
    Route{"GET", "/segue/v1/version", "getVersion", kEngines, kFree, kNone, kWorker, kNothing, system::version},
    Route{"GET", "/segue/v1/status", "getStatus", kModels, kFree, kNone, kWorker, kNothing, system::status},
    Route{"GET", "/segue/v1/models", "listModels", kModels, kFree, kNone, kWorker, kNothing, system::models},
    Route{"GET", "/segue/v1/engines", "listEngines", kEngines, kFree, kNone, kWorker, kNothing, system::engines},
    Route{"GET", "/segue/v1/engines/{engine}/log", "getEngineLog", kEngines, kFree, kNone, kWorker, kNothing, engines::log},
    Route{"POST", "/segue/v1/engines/{engine}/drain", "drainEngine", kEnginesManage, kToken, kNone, kCrew, kStore, engines::drain},
    Route{"POST", "/segue/v1/engines/{engine}/resume", "resumeEngine", kEnginesManage, kToken, kNone, kCrew, kStore, engines::resume},
    Route{"POST", "/segue/v1/engines/{engine}/probe", "probeEngine", kEnginesManage, kToken, kNone, kCrew, kStore, engines::probe},
    Route{"GET", "/segue/v1/usage", "getUsage", kEngines, kFree, kNone, kWorker, kNothing, system::usage},
    Route{"GET", "/segue/v1/settings", "getSettings", kSettings, kFree, kNone, kWorker, kNothing, system::settings},
    Route{"GET", "/segue/v1/session", "getSession", kAnybody, kFree, kNone, kCrew, kNothing, session::get},
    Route{"POST", "/segue/v1/session", "signIn", kAnybody, kFree, kJson, kCrew, kStore, session::sign_in},
    Route{"DELETE", "/segue/v1/session", "signOut", kSignedIn, kToken, kNone, kCrew, kStore, session::sign_out},
    Route{"DELETE", "/segue/v1/session/everywhere", "signOutEverywhere", kSignedIn, kToken, kNone, kCrew, kStore, session::sign_out_everywhere},
    Route{"PUT", "/segue/v1/session/password", "changePassword", kSignedIn, kToken, kJson, kCrew, kStore, session::change_password},
    Route{"POST", "/segue/v1/setup", "setUp", kAnybody, kFree, kJson, kCrew, kStore, session::set_up},
    Route{"GET", "/segue/v1/session/oidc", "beginOidc", kAnybody, kFree, kNone, kCrew, kStore, session::begin_oidc},
    Route{"GET", "/segue/v1/session/oidc/callback", "finishOidc", kAnybody, kFree, kNone, kCrew, kStore, session::finish_oidc},
    Route{"GET", "/segue/v1/people", "listPeople", kPeople, kFree, kNone, kCrew, kStore, people_routes::list},
    Route{"POST", "/segue/v1/people", "createPerson", kPeopleManage, kToken, kJson, kCrew, kStore, people_routes::create},
    Route{"PATCH", "/segue/v1/people/{person}", "changePerson", kPeopleManage, kToken, kJson, kCrew, kStore, people_routes::change},
    Route{"DELETE", "/segue/v1/people/{person}", "deletePerson", kPeopleManage, kToken, kNone, kCrew, kStore, people_routes::remove},
    Route{"POST", "/segue/v1/people/{person}/password", "resetPassword", kPeopleManage, kToken, kNone, kCrew, kStore, people_routes::reset_password},
    Route{"DELETE", "/segue/v1/people/{person}/sessions", "signOutPerson", kPeopleManage, kToken, kNone, kCrew, kStore, people_routes::sign_out},
    Route{"GET", "/segue/v1/keys", "listKeys", kKeysManage, kFree, kNone, kCrew, kStore, people_routes::list_keys},
    Route{"POST", "/segue/v1/keys", "createKey", kKeysManage, kToken, kJson, kCrew, kStore, people_routes::create_key},
    Route{"DELETE", "/segue/v1/keys/{key}", "revokeKey", kKeysManage, kToken, kNone, kCrew, kStore, people_routes::revoke_key},
    Route{"GET", "/segue/v1/activity", "listActivity", kActivity, kFree, kNone, kCrew, kStore, people_routes::activity},
    Route{"GET", "/segue/v1/collections", "listCollections", kDocuments, kFree, kNone, kCrew, kStore, documents::list_collections},
    Route{"POST", "/segue/v1/collections", "createCollection", kDocumentsManage, kToken, kJson, kCrew, kStore, documents::create_collection},
    Route{"GET", "/segue/v1/collections/{collection}", "getCollection", kDocuments, kFree, kNone, kCrew, kStore, documents::get_collection},
    Route{"PATCH", "/segue/v1/collections/{collection}", "changeCollection", kDocumentsManage, kToken, kJson, kCrew, kStore, documents::change_collection},
    Route{"DELETE", "/segue/v1/collections/{collection}", "deleteCollection", kDocumentsManage, kToken, kNone, kCrew, kStore, documents::delete_collection},
    Route{"GET", "/segue/v1/collections/{collection}/documents", "listDocuments", kDocuments, kFree, kNone, kCrew, kStore, documents::list},
    Route{"POST", "/segue/v1/collections/{collection}/documents", "addDocument", kDocumentsWrite, kToken, kFile, kCrew, kStore, documents::add},
    Route{"GET", "/segue/v1/documents/{document}", "getDocument", kDocuments, kFree, kNone, kCrew, kStore, documents::get},
    Route{"DELETE", "/segue/v1/documents/{document}", "deleteDocument", kDocumentsWrite, kToken, kNone, kCrew, kStore, documents::remove},
    Route{"GET", "/segue/v1/documents/{document}/text", "getDocumentText", kDocuments, kFree, kNone, kCrew, kStore, documents::text},
    Route{"POST", "/segue/v1/documents/{document}/retry", "retryDocument", kDocumentsWrite, kToken, kNone, kCrew, kStore, documents::retry},
    Route{"POST", "/segue/v1/search", "search", kDocuments, kToken, kJson, kCrew, kStore, documents::search},
    Route{"GET", "/segue/v1/conversations", "listConversations", kChat, kFree, kNone, kCrew, kStore, conversations::list},
    Route{"POST", "/segue/v1/conversations", "createConversation", kChat, kToken, kJson, kCrew, kStore, conversations::create},
    Route{"GET", "/segue/v1/conversations/{conversation}", "getConversation", kChat, kFree, kNone, kCrew, kStore, conversations::get},
    Route{"PATCH", "/segue/v1/conversations/{conversation}", "changeConversation", kChat, kToken, kJson, kCrew, kStore, conversations::change},
    Route{"DELETE", "/segue/v1/conversations/{conversation}", "deleteConversation", kChat, kToken, kNone, kCrew, kStore, conversations::remove},
    Route{"GET", "/segue/v1/conversations/{conversation}/messages", "listMessages", kChat, kFree, kNone, kCrew, kStore, conversations::messages},
    Route{"POST", "/segue/v1/conversations/{conversation}/messages", "ask", kChat, kToken, kJson, kCrew, kStore, conversations::ask},
    Route{"GET", "/segue/v1/conversations/{conversation}/export", "exportConversation", kChat, kFree, kNone, kCrew, kStore, conversations::export_one},
    Route{"PUT", "/segue/v1/conversations/{conversation}/share", "shareConversation", kChat, kToken, kJson, kCrew, kStore, conversations::share},
    Route{"DELETE", "/segue/v1/conversations/{conversation}/share", "unshareConversation", kChat, kToken, kNone, kCrew, kStore, conversations::unshare},
    Route{"GET", "/segue/v1/shared/{token}", "getShared", kChat, kFree, kNone, kCrew, kStore, conversations::shared},
    Route{"POST", "/segue/v1/conversations/{conversation}/files", "addFile", kChat, kToken, kFile, kCrew, kStore, conversations::add_file},
    Route{"DELETE", "/segue/v1/conversations/{conversation}/files/{file}", "removeFile", kChat, kToken, kNone, kCrew, kStore, conversations::remove_file},
    Route{"GET", "/segue/v1/messages/{message}", "getMessage", kChat, kFree, kNone, kCrew, kStore, messages::get},
    Route{"GET", "/segue/v1/messages/{message}/events", "followAnswer", kChat, kFree, kNone, kCrew, kStore, messages::events},
    Route{"POST", "/segue/v1/messages/{message}/regenerate", "regenerate", kChat, kToken, kJson, kCrew, kStore, messages::regenerate},
    Route{"POST", "/segue/v1/messages/{message}/continue", "continueAnswer", kChat, kToken, kNone, kCrew, kStore, messages::go_on},
    Route{"POST", "/segue/v1/messages/{message}/stop", "stopAnswer", kChat, kToken, kNone, kCrew, kStore, messages::stop},
    Route{"PUT", "/segue/v1/messages/{message}/feedback", "giveFeedback", kChat, kToken, kJson, kCrew, kStore, messages::give_feedback},
    Route{"DELETE", "/segue/v1/messages/{message}/feedback", "withdrawFeedback", kChat, kToken, kNone, kCrew, kStore, messages::withdraw_feedback},
    Route{"GET", "/segue/v1/presets", "listPresets", kChat, kFree, kNone, kCrew, kStore, presets::list},
    Route{"POST", "/segue/v1/presets", "createPreset", kChat, kToken, kJson, kCrew, kStore, presets::create},
    Route{"DELETE", "/segue/v1/presets/{preset}", "deletePreset", kChat, kToken, kNone, kCrew, kStore, presets::remove},
    Route{"GET", "/segue/v1/traffic", "getTraffic", kTraffic, kFree, kNone, kCrew, kStore, traffic::get},
    Route{"GET", "/segue/v1/traffic/events", "followTraffic", kTraffic, kFree, kNone, kCrew, kStore, traffic::events},
    Route{"GET", "/segue/v1/openapi.json", "getDescription", kEngines, kFree, kNone, kWorker, kNothing, system::description},
};
// clang-format on

constexpr std::size_t kJsonLimit = 24 * 1024 * 1024;  // a question of 1 MB, and pictures
constexpr std::size_t kFileLimit = 64 * 1024 * 1024;

bool matches(std::string_view pattern, std::string_view path,
             std::vector<std::pair<std::string_view, std::string>>& parameters) {
    parameters.clear();
    while (true) {
        const auto pattern_end = std::min(pattern.find('/', 1), pattern.size());
        const auto path_end = std::min(path.find('/', 1), path.size());
        const auto want = pattern.substr(0, pattern_end);
        const auto have = path.substr(0, path_end);
        if (want.size() > 2 && want[1] == '{') {
            if (have.size() < 2) return false;
            parameters.emplace_back(want.substr(2, want.size() - 3),
                                    replace_invalid_utf8(percent_decode(have.substr(1))));
        } else if (want != have) {
            return false;
        }
        pattern.remove_prefix(pattern_end);
        path.remove_prefix(path_end);
        if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
    }
}

}  // namespace

std::span<const Route> routes() {
    return kRoutes;
}

FoundRoute find_api_route(std::string_view method, std::string_view path) {
    if (method == "HEAD") method = "GET";
    FoundRoute found;
    for (const Route& route : kRoutes) {
        if (!matches(route.path, path, found.parameters)) continue;
        if (route.method == method) {
            found.route = &route;
            return found;
        }
        found.allow.append(found.allow.empty() ? "" : ", ").append(route.method);
        if (route.method == "GET") found.allow.append(", HEAD");
    }
    found.parameters.clear();
    return found;
}

std::size_t body_limit(const Route& route) {
    switch (route.body) {
        case BodyKind::kNone: return 64 * 1024;  // what is sent without need is read and dropped
        case BodyKind::kJson: return kJsonLimit;
        case BodyKind::kFile: return kFileLimit;
    }
    return kJsonLimit;
}

}  // namespace segue::serve::api
