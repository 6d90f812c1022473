#include "serve/api/assets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/embedded.hpp"
#include "gateway/content_coding.hpp"

#ifdef SEGUE_WEB
namespace segue::embedded {
std::span<const EmbeddedFile> web_page();
}
#endif

namespace segue::serve {
namespace {

#ifdef SEGUE_WEB
std::string_view piece(std::size_t offset, std::size_t length) {
    return embedded::web_page().front().bytes.substr(offset, length);
}
#endif

constexpr std::size_t kLongestFile = 16U << 20U;

/// Nothing from elsewhere, nothing inline, no frame around it. Images may be what a person pasted
/// (blob:, data:).
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const Asset* find(std::span<const Asset> files, std::string_view path) {
    const auto at = std::lower_bound(
        files.begin(), files.end(), path,
        [](const Asset& file, std::string_view wanted) { return file.path < wanted; });
    return at != files.end() && at->path == path ? &*at : nullptr;
}

void harden(net::Headers& headers) {
    headers.add("Content-Security-Policy", kPolicy);
    headers.add("X-Content-Type-Options", "nosniff");
    headers.add("Referrer-Policy", "no-referrer");
    headers.add("Cross-Origin-Opener-Policy", "same-origin");
    headers.add("Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

gateway::LocalAnswer plain(int status, std::string_view text) {
    gateway::LocalAnswer answer{status, "text/plain; charset=utf-8", std::string(text)};
    harden(answer.headers);
    return answer;
}

gateway::LocalAnswer answer_file(const net::RequestHead& head, const Asset& file) {
    // A file with a hash in its name never changes; the page that names them is asked for anew.
    const bool immutable = file.path.starts_with("assets/");
    gateway::LocalAnswer answer{200, std::string(file.content_type), ""};
    harden(answer.headers);
    answer.headers.add("Cache-Control",
                       immutable ? "public, max-age=31536000, immutable" : "no-cache");
    answer.headers.add("Vary", "Accept-Encoding");
    const std::string tag = fmt::format("\"{}\"", file.tag);
    answer.headers.add("ETag", tag);
    if (head.headers.has_token("If-None-Match", tag)) {
        answer.status = 304;
        answer.content_type.clear();
        return answer;
    }
    if (!file.identity.empty()) {
        answer.body = file.identity;
    } else if (head.headers.has_token("Accept-Encoding", "br")) {
        answer.headers.add("Content-Encoding", "br");
        answer.body = file.brotli;
    } else if (head.headers.has_token("Accept-Encoding", "gzip")) {
        answer.headers.add("Content-Encoding", "gzip");
        answer.body = file.gzip;
    } else {
        auto whole = gateway::decode_content("gzip", std::string(file.gzip), kLongestFile);
        if (!whole) return plain(500, "the page inside this program is damaged; install it anew");
        answer.body = std::move(*whole);
    }
    return answer;
}

}  // namespace

std::span<const Asset> web_assets() {
#ifdef SEGUE_WEB
    static const std::array kFiles = std::to_array<Asset>({
#include <assets.inc>
    });
    return kFiles;
#else
    return {};
#endif
}

bool is_page_path(std::string_view path) {
    return path == "/ui" || path.starts_with("/ui/");
}

gateway::LocalAnswer answer_page(const net::RequestHead& head) {
    return answer_page(head, web_assets());
}

gateway::LocalAnswer answer_page(const net::RequestHead& head, std::span<const Asset> files) {
    if (head.path == "/ui")
        return {308, "", "", {{"Location", head.query.empty() ? "/ui/" : "/ui/?" + head.query}}};
    if (files.empty())
        return plain(404,
                     "this segue was built without its web page; build it with 'make build' "
                     "(it needs Node.js, which 'make deps' fetches)");
    const std::string_view path = std::string_view(head.path).substr(4);
    if (const Asset* file = find(files, path)) return answer_file(head, *file);
    // A file of an older release that is gone is no page: a script must not be answered by HTML.
    if (path.starts_with("assets/")) return plain(404, "there is no such file; reload the page");
    if (const Asset* page = find(files, "index.html")) return answer_file(head, *page);
    return plain(500, "the page inside this program is damaged; install it anew");
}

}  // namespace segue::serve
