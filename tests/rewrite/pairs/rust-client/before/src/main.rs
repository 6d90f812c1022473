use std::env;

#[derive(serde::Deserialize)]
struct Reply {
    response: String,
    eval_count: u64,
}

async fn ask(prompt: &str) -> reqwest::Result<Reply> {
    let base = env::var("OLLAMA_HOST").unwrap_or_else(|_| "http://localhost:11434".into());
    let body = serde_json::json!({
        "model": "qwen2.5:7b",
        "prompt": prompt,
        "stream": false,
        "options": { "num_ctx": 4096, "num_predict": 200 }
    });
    reqwest::Client::new().post(format!("{base}/api/generate")).json(&body).send().await?.json().await
}
