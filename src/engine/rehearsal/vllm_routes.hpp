/// The routes of vLLM's wire beside generating; vllm_wire.cpp holds the table. Internal to the
/// rehearsal engine.
#pragma once

#include "engine/rehearsal/exchange.hpp"
#include "engine/rehearsal/vllm_request.hpp"

namespace segue::engine::rehearsal {

void send_vllm_refusal(Exchange& exchange, const VllmRefusal& refusal);

// vllm_lists.cpp
void vllm_models(Exchange& exchange);
void vllm_metrics(Exchange& exchange);
void vllm_tokenize(Exchange& exchange);
void vllm_detokenize(Exchange& exchange);
// vllm_pooling.cpp
void vllm_embeddings(Exchange& exchange);
void vllm_score(Exchange& exchange);
void vllm_rerank(Exchange& exchange);

}  // namespace segue::engine::rehearsal
