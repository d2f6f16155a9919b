//! Astro Data Lab: jobs as resources.

use super::{FORM, Maker, between};

#[tokio::test]
async fn results_are_escaped_whole() {
    let maker = Maker::datalab().await;
    let job = maker.job(&maker.negotiation("/ada/f", "pushToVoSpace")).await;
    assert_eq!(maker.phase(&job).await, "PENDING");
    assert_eq!(maker.send("POST", &format!("{job}/phase"), &[FORM], "PHASE=RUN").await.status, 303);
    let document = loop {
        let document = maker.get(&job).await.text().to_owned();
        if document.contains("transferDetails") {
            break document;
        }
        tokio::task::yield_now().await;
    };
    let href = between(&document, "xlink:href=\"", "\"");
    assert!(href.starts_with("http%3A%2F%2F127%2E0%2E0%2E1"), "{href}");
    let url = url::form_urlencoded::parse(format!("u={href}").as_bytes()).next().unwrap().1.into_owned();
    assert!(maker.get(&url).await.text().contains("/datalab/data/"), "{url}");
}

#[tokio::test]
async fn a_job_is_listed_and_neither_waited_for_nor_removed() {
    let maker = Maker::datalab().await;
    let job = maker.job(&maker.negotiation("/ada/f", "pushToVoSpace")).await;
    let waiting = tokio::time::timeout(std::time::Duration::from_secs(20), maker.get(&format!("{job}?WAIT=60"))).await;
    assert_eq!(waiting.expect("answers at once").status, 200);
    let id = job.rsplit('/').next().unwrap();
    let list = maker.get("/transfers").await;
    assert!(list.status == 200 && list.text().contains(id), "{}", list.text());
    assert_eq!(maker.send("DELETE", &job, &[], "").await.status, 405);
    assert_eq!(maker.send("POST", &format!("{job}/phase"), &[FORM], "PHASE=ABORT").await.status, 303);
    assert_eq!(maker.phase(&job).await, "ABORTED");
}
