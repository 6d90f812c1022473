/// Ollama's management routes where no Ollama is behind (wire 3.9): answers that need no state.
/// Pure functions; the gateway knows which model is in the table, which alias exists, and calls the
/// one that fits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "llm/ollama/front/lists.hpp"

namespace segue::llm {

struct ManagementAnswer {
    int status = 200;
    std::string content_type;
    std::string body;
};

enum class ManagementDelivery : std::uint8_t { kSingle, kStream };

/// {"error":"text"} with that status.
ManagementAnswer management_error(int status, std::string_view text);

/// A model of the table: nothing to fetch, told as done.
ManagementAnswer pull_known(const ModelCard& card, ManagementDelivery delivery);
/// The text that the CLI and SDKs look for; in the stream the status stays 200.
ManagementAnswer pull_unknown(ManagementDelivery delivery);
ManagementAnswer push_answer();
/// `from` a known model, with only system, parameters, messages, template, license: an alias was
/// made.
ManagementAnswer create_done(const ModelCard& from, ManagementDelivery delivery);
/// Neither `from` nor `files`.
ManagementAnswer create_without_source();
/// Everything that would store a model: files, adapters, quantize; and aliases without a store.
ManagementAnswer create_unsupported();
/// 200 without a body: copy and delete.
ManagementAnswer management_done();
ManagementAnswer copy_unknown(std::string_view source);
ManagementAnswer copy_bad_source(std::string_view source);
ManagementAnswer copy_bad_destination(std::string_view destination);
ManagementAnswer copy_unsupported();
ManagementAnswer delete_managed(std::string_view model);
/// `model 'M' not found`, as delete, chat and generate say it.
ManagementAnswer model_not_found(std::string_view model);
/// The same with the name's tag, as show says it.
ManagementAnswer show_not_found(std::string_view model);
ManagementAnswer invalid_model_name();
ManagementAnswer model_required();

ManagementAnswer blob_missing();
ManagementAnswer blob_unsupported();
/// No signin_url: the CLI would open a browser page.
ManagementAnswer me_answer();
ManagementAnswer signout_answer();
ManagementAnswer status_answer();
ManagementAnswer web_search_answer();
ManagementAnswer recommendations_answer();

}  // namespace segue::llm
