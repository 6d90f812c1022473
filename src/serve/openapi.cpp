#include "serve/openapi.hpp"

namespace segue::serve {

std::string_view openapi_document() {
    return R"({"openapi":"3.1.0","info":{"title":"Segue","version":")" SEGUE_VERSION R"("},"paths":{
"/livez":{"get":{"summary":"The process is alive","responses":{"200":{"description":"alive"}}}},
"/readyz":{"get":{"summary":"Some engine is up and the process is not draining","responses":{"200":{"description":"ready"},"503":{"description":"not ready"}}}},
"/metrics":{"get":{"summary":"Prometheus text format","responses":{"200":{"description":"metrics"}}}},
"/segue/v1/version":{"get":{"summary":"Version of this program","responses":{"200":{"description":"version","content":{"application/json":{"schema":{"type":"object","required":["version"],"properties":{"version":{"type":"string"}}}}}}}}},
"/segue/v1/models":{"get":{"summary":"Names that clients may use, and their targets","responses":{"200":{"description":"models","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Models"}}}}}}},
"/segue/v1/engines":{"get":{"summary":"Engines, their health and load","responses":{"200":{"description":"engines","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Engines"}}}}}}}},
"components":{"schemas":{
"Models":{"type":"object","required":["models"],"properties":{"models":{"type":"array","items":{"type":"object","required":["name","alias","healthy","targets"],"properties":{"name":{"type":"string"},"alias":{"type":"boolean"},"healthy":{"type":"boolean"},"targets":{"type":"array","items":{"type":"object","required":["engine","model"],"properties":{"engine":{"type":"string"},"model":{"type":"string"}}}}}}}}},
"Breaker":{"type":"object","required":["state","reason","next_trial_in_ms","in_state_ms","last_ejection_ms","failures_in_a_row","window_requests","window_failures","ejections"],"properties":{"state":{"enum":["closed","open","half_open"]},"reason":{"type":["string","null"],"description":"why it is not closed"},"next_trial_in_ms":{"type":["number","null"],"description":"null: not open"},"in_state_ms":{"type":"number"},"last_ejection_ms":{"type":"number","description":"how long the last ejection is or was; 0: there was none"},"failures_in_a_row":{"type":"integer"},"window_requests":{"type":"integer"},"window_failures":{"type":"integer"},"ejections":{"type":"object","properties":{"connect":{"type":"integer"},"server_error":{"type":"integer"},"stall":{"type":"integer"},"broken":{"type":"integer"}}}}},
"Engines":{"type":"object","required":["engines"],"properties":{"engines":{"type":"array","items":{"type":"object","required":["name","url","dialect","kind","version","state","rehearsal","models"],"properties":{"name":{"type":"string"},"url":{"type":"string"},"dialect":{"enum":["ollama","openai"]},"kind":{"enum":["vllm","ollama","openai","unknown"]},"version":{"type":"string"},"state":{"enum":["up","down","unknown"]},"rehearsal":{"type":"boolean"},"sleeping":{"type":"boolean"},"ejected":{"type":"boolean"},"breaker":{"$ref":"#/components/schemas/Breaker"},"problem":{"type":["string","null"]},"latency_ms":{"type":"number"},"in_flight":{"type":"integer"},"running":{"type":["number","null"],"description":"null: the engine does not tell"},"waiting":{"type":["number","null"]},"kv_cache_usage":{"type":["number","null"],"minimum":0,"maximum":1},"probed_at":{"type":["string","null"],"format":"date-time"},"models":{"type":"array","items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"max_model_len":{"type":["integer","null"]},"capabilities":{"type":"array","items":{"type":"string"}}}}}}}}}}
}}})";
}

}  // namespace segue::serve
