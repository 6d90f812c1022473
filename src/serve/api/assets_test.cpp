#include "serve/api/assets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace segue::serve {
namespace {

// gzip of "body{}": as `printf 'body{}' | gzip -n9` writes it.
constexpr std::string_view kGzip(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xca\x4f\xa9\xac\xae"
    "\x05\x00\x59\x71\x87\xe2\x06\x00\x00\x00",
    26);

constexpr std::array kFiles{
    Asset{"assets/a-1.css", "text/css; charset=utf-8", "t1", "", "brotli", kGzip},
    Asset{"assets/a-1.woff2", "font/woff2", "t2", "font", "", ""},
    Asset{"index.html", "text/html; charset=utf-8", "t3", "<!doctype html>", "", ""}};

net::RequestHead get(std::string path, net::Headers headers = {}) {
    net::RequestHead head;
    head.method = "GET";
    head.path = std::move(path);
    head.headers = std::move(headers);
    return head;
}

std::string header(const gateway::LocalAnswer& answer, std::string_view name) {
    return std::string(answer.headers.find(name).value_or(""));
}

TEST(Assets, codingIsWhatTheClientTakes) {
    const auto br =
        answer_page(get("/ui/assets/a-1.css", {{"Accept-Encoding", "gzip, br"}}), kFiles);
    EXPECT_EQ(br.body, "brotli");
    EXPECT_EQ(header(br, "Content-Encoding"), "br");
    EXPECT_EQ(header(br, "Vary"), "Accept-Encoding");
    const auto gz = answer_page(get("/ui/assets/a-1.css", {{"Accept-Encoding", "gzip"}}), kFiles);
    EXPECT_EQ(gz.body, kGzip);
    const auto none = answer_page(get("/ui/assets/a-1.css"), kFiles);
    EXPECT_EQ(none.body, "body{}");
    EXPECT_EQ(header(none, "Content-Encoding"), "");
}

TEST(Assets, hashedNamesStayAndThePageIsAskedForAnew) {
    EXPECT_EQ(header(answer_page(get("/ui/assets/a-1.woff2"), kFiles), "Cache-Control"),
              "public, max-age=31536000, immutable");
    const auto page = answer_page(get("/ui/"), kFiles);
    EXPECT_EQ(page.body, "<!doctype html>");
    EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
    const auto again = answer_page(get("/ui/", {{"If-None-Match", header(page, "ETag")}}), kFiles);
    EXPECT_EQ(again.status, 304);
    EXPECT_EQ(again.body, "");
}

TEST(Assets, aViewIsThePageAndALostFileIsNot) {
    EXPECT_EQ(answer_page(get("/ui/chat/c_1"), kFiles).body, "<!doctype html>");
    EXPECT_EQ(answer_page(get("/ui/../etc/passwd"), kFiles).body, "<!doctype html>");
    const auto lost = answer_page(get("/ui/assets/gone-2.js"), kFiles);
    EXPECT_EQ(lost.status, 404);
    EXPECT_TRUE(lost.content_type.starts_with("text/plain"));
    EXPECT_EQ(header(answer_page(get("/ui"), kFiles), "Location"), "/ui/");
}

TEST(Assets, eachAnswerForbidsWhatIsInlineOrFromElsewhere) {
    for (const std::string path : {"/ui/", "/ui/assets/a-1.css", "/ui/assets/gone.js"}) {
        const auto policy = header(answer_page(get(path), kFiles), "Content-Security-Policy");
        EXPECT_NE(policy.find("script-src 'self';"), std::string::npos) << path;
        EXPECT_EQ(policy.find("unsafe"), std::string::npos) << path;
        EXPECT_EQ(policy.find("http"), std::string::npos) << path;
    }
}

TEST(Assets, withoutAPageTheAnswerSaysHowToGetOne) {
    const auto answer = answer_page(get("/ui/"), {});
    EXPECT_EQ(answer.status, 404);
    EXPECT_NE(answer.body.find("make build"), std::string::npos);
}

TEST(Assets, whatIsBuiltInIsSortedAndHasItsPage) {
    const auto files = web_assets();
    if (files.empty()) GTEST_SKIP() << "built without the page";
    EXPECT_TRUE(std::is_sorted(files.begin(), files.end(),
                               [](const Asset& a, const Asset& b) { return a.path < b.path; }));
    const auto page = answer_page(get("/ui/"));
    EXPECT_EQ(page.status, 200);
    EXPECT_NE(page.body.find("<script type=\"module\""), std::string::npos);
}

}  // namespace
}  // namespace segue::serve
