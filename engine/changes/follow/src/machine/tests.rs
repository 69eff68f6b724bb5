//! The machine over a real follower, by a made-up clock.

use hufu_codes::chain::Tip;
use hufu_sync::SetAnswer;
use hufu_table::write_snapshot_as_of;
use hufu_wire::UnixMillis;
use hufu_wire::chain::Change;
use hufu_wire::{Colour, StatusWord};

use super::*;
use crate::chain::{Engine, ISSUER, Link, START, Words, engine, keyring, next, publisher, vouched};

struct Scene {
    engine: Engine,
    machine: Machine,
    now: Now,
    /// When it wants to be stepped again.
    wake_at: Duration,
    lines: Vec<String>,
}

fn setup(seed: u64) -> Setup {
    Setup {
        feed: "a feed".into(),
        is_live: true,
        snapshots: "a store".to_owned(),
        timings: Timings::default(),
        seed,
        kept: None,
        tally: Tally::default(),
    }
}

fn sets(count: u32) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for holder in 0..count {
        let (tip, words) =
            links.last().map_or((Tip::START, Words::new()), |link| (link.tip, link.words.clone()));
        links.push(next(&tip, &words, &[(holder, red())]));
    }
    links
}

fn red() -> Change {
    Change::Status(StatusWord::new(Colour::Red, 0))
}

fn is_subscribe(action: &Action) -> bool {
    matches!(action, Action::Subscribe { .. })
}

fn is_copy(action: &Action) -> bool {
    matches!(action, Action::MakeCopy(_))
}

impl Scene {
    fn new() -> Scene {
        let (engine, now) = (engine(), Now { uptime: Duration::ZERO, time: UnixMillis(START.0 + 100_000) });
        let machine = Machine::new(setup(7), &engine.follower, now);
        Scene { engine, machine, now, wake_at: Duration::ZERO, lines: Vec::new() }
    }

    /// One that is subscribed and has these sets.
    fn at(links: &[Link]) -> Scene {
        let mut scene = Scene::new();
        assert!(scene.step(Event::Time).iter().any(is_subscribe));
        scene.step(Event::Subscribed(Ok(())));
        for link in links {
            scene.set(link, Ok(()));
        }
        scene
    }

    /// Steps; log lines are kept aside.
    fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.machine.step(self.now, event, &self.engine.follower);
        actions.retain(|action| match action {
            Action::Log(level, line) => {
                self.lines.push(format!("{level} {line}"));
                false
            }
            Action::Wait { until } => {
                self.wake_at = *until;
                false
            }
            _ => true,
        });
        actions
    }

    /// Steps when it wants to be, until it has something to do.
    fn sleep(&mut self) -> Vec<Action> {
        for _ in 0..1_000 {
            assert!(self.wake_at > self.now.uptime, "it would never rest");
            self.pass(self.wake_at.saturating_sub(self.now.uptime));
            let actions = self.step(Event::Time);
            if !actions.is_empty() {
                return actions;
            }
        }
        panic!("it does nothing until {:?}", self.now.uptime)
    }

    fn since(&self, uptime: Duration) -> Duration {
        self.now.uptime.saturating_sub(uptime)
    }

    fn pass(&mut self, time: Duration) {
        self.now.uptime += time;
        self.now.time.0 += u64::try_from(time.as_millis()).unwrap();
    }

    fn set(&mut self, link: &Link, tail: Result<(), String>) -> Vec<Action> {
        let answer = self.engine.follower.change_set(&link.bytes, keyring(), self.now.time);
        self.step(Event::Set { bytes: link.bytes.len(), answer, tail })
    }

    fn head(&mut self, tip: &Tip) -> Vec<Action> {
        let head = publisher().head(ISSUER, tip, self.now.time);
        let answer = self.engine.follower.head(&head, keyring(), self.now.time);
        self.step(Event::Head { bytes: head.len(), answer })
    }

    /// Heads every second, until it has something to do.
    fn beat(&mut self, link: &Link) -> Vec<Action> {
        for _ in 0..1_000 {
            self.pass(Duration::from_secs(1));
            let actions = self.head(&link.tip);
            if !actions.is_empty() {
                return actions;
            }
        }
        panic!("it does nothing until {:?}", self.now.uptime)
    }

    /// Writes the warm copy that it decided on.
    fn kept(&self, actions: &[Action]) -> KeptCopy {
        let folder = tempfile::tempdir().unwrap();
        match actions.iter().find(|action| is_copy(action)) {
            Some(Action::MakeCopy(CopyJob::Write(warm))) => {
                let (reader, path) = (self.engine.table.reader(), folder.path().join("copy"));
                let info = write_snapshot_as_of(&reader, ISSUER, warm.as_of(), &path).unwrap();
                KeptCopy { warm: *warm, info }
            }
            Some(Action::MakeCopy(CopyJob::Seal(kept))) => *kept,
            _ => panic!("no copy: {actions:?}"),
        }
    }

    fn logged(&self, text: &str) -> usize {
        self.lines.iter().filter(|line| line.contains(text)).count()
    }
}

#[test]
fn r24_a_silent_feed_is_left_and_asked_again_later_each_time() {
    let mut scene = Scene::at(&[]);
    let mut waits = Vec::new();
    for round in 1..=10 {
        let silent = scene.sleep();
        assert!(matches!(silent[..], [Action::Leave]), "{silent:?}");
        assert_eq!(scene.machine.tally.trips_silent, round);
        let since = scene.now.uptime;
        let again = scene.sleep();
        assert!(matches!(again[..], [Action::Subscribe { after: Sequence(0) }]), "{again:?}");
        waits.push(scene.since(since));
        scene.step(Event::Subscribed(Ok(())));
    }
    assert!(waits[0] < Duration::from_millis(200) && waits[9] > Duration::from_secs(7), "{waits:?}");
    assert_eq!(scene.logged("a feed is silent"), 1, "{:?}", scene.lines);
    scene.pass(Duration::from_secs(1));
    scene.head(&Tip::START);
    assert_eq!(scene.logged("a feed sends valid messages again"), 1);
    let since = scene.now.uptime;
    assert!(matches!(scene.sleep()[..], [Action::Leave]));
    assert!(scene.sleep().iter().any(is_subscribe));
    assert!(scene.since(since) < Duration::from_millis(5_200), "short again");
}

#[test]
fn r22_a_fork_is_logged_kept_and_a_checkpoint_is_asked_for() {
    let (links, files) = (sets(2), tempfile::tempdir().unwrap());
    let mut scene = Scene::at(&links);
    scene.pass(Duration::from_secs(1));
    let other = next(&links[0].tip, &links[0].words, &[(5, red())]);
    let actions = scene.set(&other, Ok(()));
    assert!(
        matches!(
            actions[..],
            [Action::AskForCheckpoint, Action::BeginTail { after: Sequence(2) }, Action::MakeCopy(_)]
        ),
        "{actions:?}"
    );
    assert_eq!(scene.logged("ERROR issuer 110000 is forked"), 1);
    let kept = scene.kept(&actions);
    scene.step(Event::Copied(CopyOutcome::Kept(kept)));
    let since = scene.now.uptime;
    for _ in 0..4 {
        assert!(matches!(scene.sleep()[..], [Action::AskForCheckpoint]));
    }
    assert!(scene.since(since) > Duration::from_secs(1), "later each time");

    let settled = vouched(&links[1].tip, &links[1].words, files.path());
    let answer = scene.engine.follower.checkpoint(&settled.bytes, keyring(), scene.now.time);
    let actions = scene.step(Event::Checkpoint { bytes: settled.bytes.len(), answer });
    assert!(actions.iter().any(is_copy), "a restart must not find the fork again: {actions:?}");
    assert_eq!(scene.logged("the fork is settled"), 1);
}

#[test]
fn r22_a_warm_copy_is_made_when_it_is_due_and_there_is_something_new() {
    let links = sets(2);
    let mut scene = Scene::at(&links);
    let actions = scene.beat(&links[1]);
    assert!(matches!(actions[..], [Action::BeginTail { .. }, Action::MakeCopy(CopyJob::Write(_))]));
    assert_eq!(scene.now.uptime.as_secs(), 30, "after a tenth of the time where there was none");
    let kept = scene.kept(&actions);
    let ended = scene.step(Event::Copied(CopyOutcome::Kept(kept)));
    assert!(matches!(ended[..], [Action::Tidy { kept: Sequence(2) }]), "{ended:?}");
    let actions = scene.beat(&links[1]);
    assert_eq!(scene.now.uptime.as_secs(), 330);
    assert!(matches!(actions[..], [Action::MakeCopy(CopyJob::Seal(_))]), "only heads came: {actions:?}");
    let sealed = scene.kept(&actions);
    scene.step(Event::Copied(CopyOutcome::Kept(sealed)));

    // Told to end, it keeps what came since, and nothing twice.
    scene.pass(Duration::from_secs(1));
    scene.head(&links[1].tip);
    let actions = scene.step(Event::Stop);
    assert!(matches!(actions[..], [Action::Leave, Action::MakeCopy(CopyJob::Seal(_))]), "{actions:?}");
    let last = scene.kept(&actions);
    let actions = scene.step(Event::Copied(CopyOutcome::Kept(last)));
    assert!(matches!(actions[..], [Action::Tidy { .. }, Action::End]), "{actions:?}");
}

#[test]
fn a_last_warm_copy_that_takes_too_long_is_not_waited_for() {
    let links = sets(1);
    let mut scene = Scene::at(&links);
    let actions = scene.step(Event::Stop);
    assert!(matches!(actions[..], [Action::Leave, Action::BeginTail { .. }, Action::MakeCopy(_)]));
    assert!(matches!(scene.sleep()[..], [Action::End]));
    assert_eq!(scene.now.uptime, Duration::from_secs(20));
    assert_eq!(scene.logged("the last warm copy took more than 20 s"), 1);
}

#[test]
fn r22_a_set_that_is_not_in_the_tail_comes_into_a_warm_copy_soon() {
    let links = sets(2);
    let mut scene = Scene::at(&links[..1]);
    // A copy is in place, so that the next one would be far off.
    let actions = scene.beat(&links[0]);
    let kept = scene.kept(&actions);
    scene.step(Event::Copied(CopyOutcome::Kept(kept)));
    let failed = scene.now.uptime;
    let actions = scene.set(&links[1], Err("no space left".to_owned()));
    assert!(actions.is_empty(), "the set counts: {actions:?}");
    assert_eq!(scene.logged("its tail cannot be written: no space left"), 1);
    let actions = scene.beat(&links[1]);
    assert!(matches!(actions[..], [Action::BeginTail { after: Sequence(2) }, Action::MakeCopy(_)]));
    assert_eq!(scene.since(failed), Duration::from_secs(30));

    let actions = scene.step(Event::Copied(CopyOutcome::Failed("no space left".to_owned())));
    assert!(matches!(actions[..], [Action::Tidy { kept: Sequence(0) }]), "{actions:?}");
    let actions = scene.beat(&links[1]);
    assert_eq!(scene.since(failed), Duration::from_secs(60), "tried again");
    let kept = scene.kept(&actions);
    scene.step(Event::Copied(CopyOutcome::Kept(kept)));
    assert_eq!(scene.logged("can be written to the disk again"), 1);
    assert_eq!((scene.machine.tally.disk_faults, scene.machine.tally.warm_copies), (2, 2));
}

/// A hostile feed sends as fast as it is asked, which takes a tenth of a millisecond here.
fn flood(of: impl Fn(&mut Scene) -> Event) -> (u32, u32, Scene) {
    let mut scene = Scene::at(&sets(1));
    let (mut looked_at, mut asked) = (0, 0);
    for _ in 0..20_000 {
        scene.pass(Duration::from_micros(100));
        let event = if scene.machine.is_listening() {
            looked_at += 1;
            of(&mut scene)
        } else {
            Event::Time
        };
        if scene.step(event).iter().any(is_subscribe) {
            asked += 1;
            scene.step(Event::Subscribed(Ok(())));
        }
    }
    (looked_at, asked, scene)
}

#[test]
fn a_feed_that_sends_without_waiting_is_looked_at_a_few_thousand_times_a_second() {
    let garbage = |scene: &mut Scene| Event::Set {
        bytes: 4_000,
        answer: scene.engine.follower.change_set(&[7; 4_000], keyring(), scene.now.time),
        tail: Ok(()),
    };
    let repeated = |_: &mut Scene| Event::Set { bytes: 400, answer: Ok(SetAnswer::Duplicate), tail: Ok(()) };
    for (looked_at, asked, scene) in [flood(garbage), flood(repeated)] {
        assert!(looked_at < 12_000, "{looked_at} in two seconds");
        assert!(asked <= 10, "{asked}");
        assert!(scene.machine.tally.trips_flooded >= 1);
        assert_eq!(scene.logged("sends too many useless messages"), 1);
    }
}

#[test]
fn a_feed_of_gaps_without_end_is_asked_a_few_times_a_second() {
    let links = sets(3);
    let (looked_at, asked, _) = flood(|scene| {
        let answer = scene.engine.follower.change_set(&links[2].bytes, keyring(), scene.now.time);
        assert!(matches!(answer, Ok(SetAnswer::Gap { .. })));
        Event::Set { bytes: links[2].bytes.len(), answer, tail: Ok(()) }
    });
    assert!(looked_at < 12_000 && (2..=10).contains(&asked), "{looked_at} {asked}");
}

#[test]
fn the_same_events_and_seed_give_the_same_actions() {
    let (engine, start) = (engine(), Now { uptime: Duration::ZERO, time: START });
    let run = |seed| {
        let mut machine = Machine::new(setup(seed), &engine.follower, start);
        let fault = || FeedFault::Unreachable { feed: "a feed".to_owned(), what: "gone".to_owned() };
        let mut now = start;
        let steps = (0..50).map(|_| {
            now.uptime += Duration::from_millis(100);
            let actions = machine.step(now, Event::Subscribed(Err(fault())), &engine.follower);
            format!("{actions:?}")
        });
        steps.collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
