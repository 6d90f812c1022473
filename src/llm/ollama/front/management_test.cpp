#include "llm/ollama/front/management.hpp"

#include <gtest/gtest.h>

namespace segue::llm {
namespace {

using enum ManagementDelivery;

void expect(const ManagementAnswer& answer, int status, std::string_view body) {
    EXPECT_EQ(answer.status, status) << body;
    EXPECT_EQ(answer.body, body);
}

TEST(OllamaManagement, Pull) {  // C60
    ModelCard card;
    card.digest = std::string(64, 'a');
    card.size = 7;
    const auto stream = pull_known(card, kStream);
    EXPECT_EQ(stream.content_type, "application/x-ndjson");
    expect(stream, 200,
           "{\"status\":\"pulling manifest\"}\n"
           "{\"status\":\"pulling aaaaaaaaaaaa\",\"digest\":\"sha256:" +
               card.digest +
               "\",\"total\":7,\"completed\":7}\n"
               "{\"status\":\"verifying sha256 digest\"}\n{\"status\":\"writing "
               "manifest\"}\n{\"status\":\"success\"}\n");
    expect(pull_known(card, kSingle), 200, R"({"status":"success"})");
    EXPECT_EQ(pull_known(card, kSingle).content_type, "application/json");
    expect(pull_unknown(kStream), 200,
           "{\"status\":\"pulling manifest\"}\n{\"error\":\"pull model manifest: file does not "
           "exist\"}\n");
    expect(pull_unknown(kSingle), 500, R"({"error":"pull model manifest: file does not exist"})");
}

TEST(OllamaManagement, PushCreateCopyDelete) {  // C57, C61, C62
    expect(push_answer(), 501,
           R"({"error":"push is not supported: this server does not store models"})");
    expect(create_without_source(), 400, R"({"error":"neither 'from' or 'files' was specified"})");
    EXPECT_EQ(create_unsupported().status, 501);
    ModelCard card;
    card.digest = "d";
    expect(create_done(card, kStream), 200,
           "{\"status\":\"using existing layer sha256:d\"}\n{\"status\":\"writing "
           "manifest\"}\n{\"status\":\"success\"}\n");
    expect(create_done(card, kSingle), 200, R"({"status":"success"})");
    expect(management_done(), 200, "");
    expect(copy_unknown("nope"), 404, R"({"error":"model \"nope\" not found"})");
    expect(copy_bad_source("a b"), 400, R"({"error":"source \"a b\" is invalid"})");
    expect(copy_bad_destination("a b"), 400, R"({"error":"destination \"a b\" is invalid"})");
    expect(delete_managed("M"), 403, R"({"error":"model 'M' is managed by configuration"})");
    expect(model_not_found("nope"), 404, R"({"error":"model 'nope' not found"})");
    expect(show_not_found("nope"), 404, R"({"error":"model 'nope:latest' not found"})");
    expect(model_required(), 400, R"({"error":"model is required"})");
}

TEST(OllamaManagement, AccountsAndCloud) {  // C63
    EXPECT_EQ(blob_missing().status, 404);
    EXPECT_EQ(blob_unsupported().status, 501);
    expect(me_answer(), 401, R"({"error":"unauthorized"})");
    expect(signout_answer(), 200, "");
    expect(status_answer(), 200, R"({"cloud":{"disabled":true,"source":"config"}})");
    expect(web_search_answer(), 403,
           R"({"error":"ollama cloud is disabled: web search is unavailable"})");
    expect(recommendations_answer(), 200, R"({"recommendations":[]})");
}

}  // namespace
}  // namespace segue::llm
