#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/text.hpp"
#include "serve/api/route.hpp"
#include "serve/openapi.hpp"

namespace segue::serve::api {
namespace {

struct Described {
    std::string permission;
    bool planned = false;
    std::string body;
};

std::map<std::string, Described> described() {
    json::Parser parser;
    const auto root = parser.parse(openapi_document());
    EXPECT_TRUE(root);
    std::map<std::string, Described> out;
    for (const auto path : (*root)["paths"])
        for (const auto operation : path) {
            std::string method(operation.key());
            for (char& c : method)
                c = static_cast<char>(c - 'a' + 'A');
            Described one;
            one.permission = operation["x-segue-permission"].string();
            one.planned = operation["x-segue-status"].string() == "planned";
            for (const auto content : operation["requestBody"]["content"])
                one.body = content.key();
            out[std::string(operation["operationId"].string()) + " " + method + " " +
                std::string(path.key())] = one;
        }
    return out;
}

TEST(ApiRoutes, AreWhatTheDescriptionSays) {
    auto description = described();
    for (const Route& route : routes()) {
        if (route.operation == "getDescription") continue;
        const std::string name = std::string(route.operation) + " " + std::string(route.method) +
                                 " " + std::string(route.path);
        ASSERT_TRUE(description.contains(name)) << name;
        const Described& one = description[name];
        EXPECT_EQ(one.permission, permission_name(route.permission)) << name;
        EXPECT_EQ(one.planned, route.handler == nullptr) << name;
        EXPECT_EQ(one.body, route.body == BodyKind::kNone   ? ""
                            : route.body == BodyKind::kJson ? "application/json"
                                                            : "application/octet-stream")
            << name;
        description.erase(name);
    }
    for (const auto& [name, one] : description)
        ADD_FAILURE() << name << " is described and has no route";
}

TEST(ApiRoutes, WhatChangesSomethingWantsTheToken) {
    const std::set<std::string_view> without_session{"signIn", "setUp"};
    for (const Route& route : routes()) {
        const bool changes = route.method != "GET" && !without_session.contains(route.operation);
        EXPECT_EQ(route.csrf == Csrf::kNeeded, changes) << route.operation;
        EXPECT_FALSE(route.place == Place::kWorker && route.needs == Needs::kStore)
            << route.operation;
    }
}

TEST(ApiRoutes, AreFoundByPathAndMethod) {
    const auto one = find_api_route("GET", "/segue/v1/conversations/a%20b/messages");
    ASSERT_NE(one.route, nullptr);
    EXPECT_EQ(one.route->operation, "listMessages");
    ASSERT_EQ(one.parameters.size(), 1U);
    EXPECT_EQ(one.parameters[0].first, "conversation");
    EXPECT_EQ(one.parameters[0].second, "a b");

    EXPECT_EQ(find_api_route("HEAD", "/livez").route->operation, "livez");
    const auto other = find_api_route("PUT", "/segue/v1/people");
    EXPECT_EQ(other.route, nullptr);
    EXPECT_EQ(other.allow, "GET, HEAD, POST");
    for (const auto* path : {"/segue/v1/conversations/", "/segue/v1/conversations//messages",
                             "/segue/v1/conversations/a/messages/b", "/segue/v1", "/", ""}) {
        EXPECT_EQ(find_api_route("GET", path).route, nullptr) << path;
        EXPECT_EQ(find_api_route("GET", path).allow, "") << path;
    }
}

TEST(ApiRequest, QueriesAndCookies) {
    Request request;
    request.head.query = "query=two+words%21&limit=7&limit=8&empty=&bad=%ff";
    request.head.headers.add("Cookie", "a=b; segue_session=xyz");
    EXPECT_EQ(request.query("query"), "two words!");
    EXPECT_EQ(request.query("empty"), "");
    EXPECT_EQ(request.query("bad"), "\xEF\xBF\xBD");
    EXPECT_FALSE(request.query("nothing"));
    EXPECT_EQ(*request.query_number("limit", 1, 1, 10), 7);
    EXPECT_EQ(*request.query_number("other", 3, 1, 10), 3);
    EXPECT_FALSE(request.query_number("limit", 1, 1, 5));
    EXPECT_FALSE(request.query_number("query", 1, 1, 5));
    EXPECT_EQ(request.cookie("segue_session"), "xyz");
    EXPECT_EQ(request.cookie("session"), "");
}

TEST(ApiBody, SaysWhatIsWrongFirst) {
    auto body = Body::parse(R"({"title":"x","n":3,"list":["a"],"flag":true,"bad":1})");
    ASSERT_TRUE(body);
    EXPECT_EQ(body->needed_text("title"), "x");
    EXPECT_EQ(body->integer("n", 1, 5), 3);
    EXPECT_EQ(body->texts("list").size(), 1U);
    EXPECT_EQ(body->boolean("flag"), true);
    EXPECT_TRUE(body->problem());
    EXPECT_EQ(body->text("bad"), "");
    EXPECT_EQ(body->needed_text("missing"), "");
    ASSERT_FALSE(body->problem());
    EXPECT_EQ(body->problem().error().detail, "bad must be a text");
    EXPECT_FALSE(Body::parse("[1]"));
    EXPECT_FALSE(Body::parse("{"));
    EXPECT_TRUE(Body::parse(" "));
}

}  // namespace
}  // namespace segue::serve::api
