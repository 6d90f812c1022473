use std::env;

#[derive(serde::Deserialize)]
struct Reply {
    response: String,
    eval_count: u64,
}

async fn ask(prompt: &str) -> reqwest::Result<Reply> {
    let base = env::var("VLLM_ENDPOINT").unwrap_or_else(|_| "http://localhost:8000".into());
    let body = serde_json::json!({
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "prompt": prompt,
        "stream": false,
        "options": { "num_ctx": 4096, "num_predict": 200 }
    });
    reqwest::Client::new().post(format!("{base}/api/generate")).json(&body).send().await?.json().await
}
