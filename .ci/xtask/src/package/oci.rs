//! A container image, as an OCI image layout in one tar file. No daemon takes part.

use anyhow::Result;
use flate2::Compression;
use serde_json::{Value, json};

use super::Build;
use super::binary::sha256;
use super::tree::{Tree, gzip};

/// The user that the image runs as.
pub(crate) const USER: u64 = 65532;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The image of `build`: a layer with what the program needs, which stays the same for long, and one with the program.
pub(crate) fn image(build: &Build) -> Result<Vec<u8>> {
    let layers = [needed(build)?, program(build)].map(|tree| layer(&tree, build.epoch));
    let mut layout = Tree::default();
    let mut blob = |kind: &str, bytes: Vec<u8>| {
        let digest = sha256(&bytes);
        let descriptor =
            json!({ "mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len() });
        layout.file(&format!("blobs/sha256/{digest}"), 0o644, bytes);
        descriptor
    };
    let (mut descriptors, mut contents) = (Vec::new(), Vec::new());
    for layer in layers {
        let (content, compressed) = layer?;
        contents.push(format!("sha256:{content}"));
        descriptors.push(blob(LAYER, compressed));
    }
    let config = blob(CONFIG, serde_json::to_vec(&config(build, &contents))?);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": descriptors,
        "annotations": labels(build),
    });
    let mut manifest = blob(MANIFEST, serde_json::to_vec(&manifest)?);
    // A tag has no "+".
    let tag = build.version.replace('+', "-");
    manifest["annotations"] = json!({
        "org.opencontainers.image.ref.name": tag,
        "io.containerd.image.name": format!("localhost/hufu:{tag}"),
    });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    layout.file("index.json", 0o644, serde_json::to_vec(&index)?);
    layout.file("oci-layout", 0o644, r#"{"imageLayoutVersion":"1.0.0"}"#);
    layout.tar(build.epoch)
}

fn config(build: &Build, contents: &[String]) -> Value {
    json!({
        "created": build.created,
        "architecture": build.binary.architecture,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": ["/usr/bin/hufu"],
            "Cmd": ["serve", "--config", "/etc/hufu/engine.toml"],
            "Env": ["PATH=/usr/bin"],
            "ExposedPorts": { "7410/udp": {}, "7411/udp": {} },
            "Volumes": { "/var/lib/hufu": {} },
            "WorkingDir": "/var/lib/hufu",
            "StopSignal": "SIGTERM",
            "Labels": labels(build),
        },
        "rootfs": { "type": "layers", "diff_ids": contents },
        "history": [
            { "created": build.created, "created_by": "cargo xtask package", "comment": "shared libraries, users" },
            { "created": build.created, "created_by": "cargo xtask package", "comment": "hufu" },
        ],
    })
}

fn labels(build: &Build) -> Value {
    json!({
        "org.opencontainers.image.title": "hufu",
        "org.opencontainers.image.description": "Checkpoint verification engine: a signed code in, a verdict out",
        "org.opencontainers.image.version": build.version,
        "org.opencontainers.image.revision": build.commit,
        "org.opencontainers.image.created": build.created,
        "org.opencontainers.image.licenses": "Apache-2.0",
    })
}

/// What is there before the program: libraries of the machine that builds, users, empty folders.
fn needed(build: &Build) -> Result<Tree> {
    let mut tree = Tree::default();
    for library in &build.binary.libraries {
        tree.file(library.display().to_string().trim_start_matches('/'), 0o755, std::fs::read(library)?);
    }
    let none = "/usr/sbin/nologin";
    let users = format!("root:x:0:0:root:/:{none}\nhufu:x:{USER}:{USER}:hufu:/var/lib/hufu:{none}\n");
    tree.file("etc/passwd", 0o644, users);
    tree.file("etc/group", 0o644, format!("root:x:0:\nhufu:x:{USER}:\n"));
    tree.folder("etc/hufu", 0o755, 0);
    tree.folder("tmp", 0o1777, 0);
    tree.folder("var/lib/hufu", 0o700, USER);
    Ok(tree)
}

fn program(build: &Build) -> Tree {
    let mut tree = Tree::default();
    build.add_program(&mut tree);
    tree
}

/// The digest of a layer's content, and the layer compressed.
fn layer(tree: &Tree, epoch: u64) -> Result<(String, Vec<u8>)> {
    let content = tree.tar(epoch)?;
    Ok((sha256(&content), gzip(&content, Compression::new(3))?))
}
