//! pyvospace: jobs as resources.

use super::{FORM, Maker};

#[tokio::test]
async fn results_are_never_named_and_are_there() {
    let maker = Maker::pyvospace().await;
    let job = maker.job(&maker.negotiation("/ada/f", "pushToVoSpace")).await;
    assert!(job.starts_with("/vospace/transfers/"), "relative: {job}");
    assert_eq!(maker.phase(&job).await, "PENDING");
    assert_eq!(maker.send("POST", &format!("{job}/phase"), &[FORM], "PHASE=RUN").await.status, 303);
    let details = loop {
        let answer = maker.get(&format!("{job}/results/transferDetails")).await;
        if answer.status == 200 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert!(details.text().contains("/vospace/pushToVoSpace/"), "{}", details.text());
    let document = maker.get(&job).await.text().to_owned();
    assert!(document.contains("<uws:results></uws:results>"), "{document}");
    assert!(document.contains("<uws:phase>EXECUTING</uws:phase>"), "{document}");
}

#[tokio::test]
async fn a_job_is_not_waited_for_listed_or_removed() {
    let maker = Maker::pyvospace().await;
    let job = maker.job(&maker.negotiation("/ada/f", "pushToVoSpace")).await;
    let waiting = tokio::time::timeout(std::time::Duration::from_secs(20), maker.get(&format!("{job}?WAIT=60"))).await;
    assert_eq!(waiting.expect("answers at once").status, 200);
    assert_eq!(maker.get("/transfers").await.status, 405);
    assert_eq!(maker.send("DELETE", &job, &[], "").await.status, 405);
    for body in ["phase=RUN", "PHASE=RUN&x=y", "PHASE=run"] {
        assert_eq!(maker.send("POST", &format!("{job}/phase"), &[FORM], body).await.status, 400, "{body}");
    }
    assert_eq!(maker.send("POST", &format!("{job}/phase"), &[FORM], "PHASE=ABORT").await.status, 303);
    assert_eq!(maker.phase(&job).await, "ABORTED");
}
