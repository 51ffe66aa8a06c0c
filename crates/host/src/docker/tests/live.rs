use crate::container::*;
use crate::docker::Docker;
#[tokio::test]
async fn live() {
    let d = std::sync::Arc::new(Docker::at("/tmp/dk/docker.sock".into()));
    let all = futures_util::future::join_all((0..20).map(|_| d.has_image("busybox:lab"))).await;
    println!("{:?}", all.iter().all(|a| *a == Ok(true)));
    let c = ContainerConfig { image: "busybox:lab".into(), network: "none".into(), ..Default::default() };
    d.remove_container("slow").await.unwrap();
    d.create_container("slow", &c).await.unwrap();
    d.start_container("slow").await.unwrap();
    let e = d.clone();
    let w = tokio::spawn(async move { e.stop_container("slow", Some(std::time::Duration::from_secs(30))).await });
    let e = d.clone();
    let x = tokio::spawn(async move { e.exec("slow", &["sleep".into(), "30".into()]).await });
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let pid = std::fs::read_to_string("/tmp/dk/pid").unwrap();
    std::process::Command::new("kill").args(["-TERM", pid.trim()]).status().unwrap();
    println!("stop {:?}", w.await);
    println!("exec {:?}", x.await);
    println!("down {:?}", d.has_image("busybox:lab").await);
    println!("down {:?}", d.start_container("slow").await);
    println!("down {:?}", d.about().await);
    std::process::Command::new("sh").args(["-c", "rm -f /tmp/dk/pid; setsid dockerd --data-root /tmp/dk/data --exec-root /tmp/dk/exec -p /tmp/dk/pid -H unix:///tmp/dk/docker.sock --bridge=none --iptables=false >/tmp/dk/log 2>&1 < /dev/null &"]).status().unwrap();
    for _ in 0..400 {
        if d.about().await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    println!(
        "up {:?} {:?}",
        d.has_image("busybox:lab").await,
        d.inspect_container("slow").await.unwrap().map(|c| c.status)
    );
    println!("{:?}", d.remove_container("slow").await);
    let t = std::time::Instant::now();
    for i in 0..20 {
        d.create_container(&format!("c{i}"), &c).await.unwrap();
    }
    println!("create {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let r = d
        .engine_survey(&crate::survey::EngineRequest {
            containers: (0..20).map(|i| format!("c{i}")).collect(),
            ..Default::default()
        })
        .await
        .unwrap();
    println!("survey {} {:?}", r.containers.len(), t.elapsed());
    for i in 0..20 {
        d.remove_container(&format!("c{i}")).await.unwrap();
    }
}
