/// The web page inside the binary: what `tools/build_web` made of web/, compressed at build time,
/// served under /ui/.
///
/// Thread: any; everything is constant. Without Node at build time there is no page, and /ui/ says
/// so.
#pragma once

#include <span>
#include <string_view>

#include "gateway/gateway.hpp"

namespace segue::serve {

/// One file of the page. A view into the program itself.
struct Asset {
    std::string_view path;  // below /ui/: "index.html", "assets/index-Bx3f.js"
    std::string_view content_type;
    std::string_view tag;       // of the content, for ETag
    std::string_view identity;  // empty where both codings are there
    std::string_view brotli;    // empty: not worth it
    std::string_view gzip;
    bool operator==(const Asset&) const = default;
};

/// All files, sorted by path. Empty: the program was built without the page.
std::span<const Asset> web_assets();

/// Is it /ui or below?
bool is_page_path(std::string_view path);
/// Answers GET and HEAD of /ui and below. What is no file is a view of the page itself: index.html.
gateway::LocalAnswer answer_page(const net::RequestHead& head);
/// The same over given files; for tests.
gateway::LocalAnswer answer_page(const net::RequestHead& head, std::span<const Asset> files);

}  // namespace segue::serve
