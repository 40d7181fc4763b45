//! Calls to the owners of partitions, with what the router and the probe of the store do: each
//! attempt goes to the owner of that moment, what certainly did not happen is tried again within a
//! time limit, and what is met is told to the keeper.

use std::time::Duration;

use super::keeper::Hint;
use super::{Flaw, Gateway, Signal};
use crate::domain::Position;
use crate::relay::cluster_tests::cluster::{Process, Refusal, World};
use crate::relay::cluster_tests::timeline::Timeline;
use crate::store::LogAnswer;

/// How long an answer may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call may take, with its repeats.
const RETRY_LIMIT: Duration = Duration::from_secs(15);

/// A call.
pub(super) struct Call {
    kind: Kind,
    deadline: Duration,
    attempt: u32,
    /// Failures that a pause followed.
    pauses: u32,
    /// The server that the attempt went to, and how often that had been started.
    server: Option<(usize, u32)>,
    /// A refusal is about a partition.
    reply: Option<Result<Reply, (usize, Refusal)>>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Heads of partitions of one server, by the number of the relay's request.
    Heads(usize, Vec<usize>),
    Since(usize, Position),
    /// A write with this id; whether it has an idempotency key.
    Write(usize, u64, bool),
}

enum Reply {
    /// None: it says that it is a replica.
    Heads(Option<Vec<Position>>),
    Log(LogAnswer),
    Written,
}

impl Kind {
    /// The partition by which the server is found.
    fn home(&self) -> usize {
        match self {
            Self::Heads(_, partitions) => partitions[0],
            Self::Since(partition, _) | Self::Write(partition, ..) => *partition,
        }
    }
}

impl Gateway {
    fn begin(&mut self, kind: Kind, (deadline, pauses): (Duration, u32), timeline: &mut Timeline) {
        let number = self.number();
        let call = Call {
            kind,
            deadline,
            attempt: 0,
            pauses,
            server: None,
            reply: None,
        };
        self.calls.insert(number, call);
        self.send(number, timeline);
    }

    /// Asks the owners of these partitions for their heads, side by side.
    pub(super) fn ask_heads(
        &mut self,
        request: usize,
        partitions: &[usize],
        timeline: &mut Timeline,
    ) {
        let fresh = (timeline.now() + RETRY_LIMIT, 0);
        self.ask_groups(request, partitions, fresh, timeline);
    }

    fn ask_groups(
        &mut self,
        request: usize,
        partitions: &[usize],
        attempts: (Duration, u32),
        timeline: &mut Timeline,
    ) {
        let mut missing = partitions.to_vec();
        while let Some(first) = missing.first() {
            let owner = self.keeper.owner(*first);
            let (group, others): (Vec<usize>, Vec<usize>) = missing
                .iter()
                .partition(|one| self.keeper.owner(**one) == owner);
            missing = others;
            self.begin(Kind::Heads(request, group), attempts, timeline);
        }
    }

    pub(super) fn ask_log(&mut self, partition: usize, from: Position, timeline: &mut Timeline) {
        let fresh = (timeline.now() + RETRY_LIMIT, 0);
        self.begin(Kind::Since(partition, from), fresh, timeline);
    }

    /// Writes once, and again soon.
    pub(super) fn begin_write(
        &mut self,
        partition: usize,
        world: &mut World,
        timeline: &mut Timeline,
    ) {
        timeline.between(100, 1_500, Signal::Write(partition));
        let fresh = (timeline.now() + RETRY_LIMIT, 0);
        let kind = Kind::Write(partition, world.number(), timeline.random.chance(50));
        self.begin(kind, fresh, timeline);
    }

    /// Begins an attempt.
    pub(super) fn send(&mut self, number: u64, timeline: &mut Timeline) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        call.attempt += 1;
        call.reply = None;
        call.server = None;
        let attempt = call.attempt;
        match self.keeper.owner(call.kind.home()) {
            None => self.failed(number, false, timeline),
            Some(owner) => {
                if !matches!(call.kind, Kind::Write(..)) {
                    self.keeper.check_read(owner, timeline.now());
                }
                call.server = Some((owner, 0));
                timeline.between(1, 2, Signal::Execute(number, attempt));
                timeline.after(COMMAND_TIMEOUT, Signal::Timeout(number, attempt));
            }
        }
    }

    fn current(&mut self, number: u64, attempt: u32) -> Option<&mut Call> {
        self.calls
            .get_mut(&number)
            .filter(|call| call.attempt == attempt)
    }

    pub(super) fn execute(
        &mut self,
        number: u64,
        attempt: u32,
        world: &mut World,
        timeline: &mut Timeline,
    ) {
        let (mut delivery, now) = (None, timeline.now());
        let blames_first = self.flaw == Flaw::BlamesTheFirst;
        let Some(call) = self.current(number, attempt) else {
            return;
        };
        let home = call.kind.home();
        let Some((server, lives)) = &mut call.server else {
            return;
        };
        *lives = world.nodes[*server].lives;
        let server = *server;
        match world.nodes[server].process {
            Process::Dead => call.reply = Some(Err((home, Refusal::Closed))),
            Process::Frozen => {
                if let Kind::Write(partition, id, _) = call.kind {
                    world.park(server, partition, id);
                }
                return;
            }
            Process::Running => {
                call.reply = Some(match &call.kind {
                    Kind::Heads(_, partitions) => {
                        let heads = world.heads(server, partitions, now).map(Reply::Heads);
                        delivery = heads.is_ok().then_some(server);
                        let blamed = |of| if blames_first { home } else { of };
                        heads.map_err(|(of, refusal)| (blamed(of), refusal))
                    }
                    Kind::Since(partition, from) => {
                        let answer = world.since(server, *partition, *from, now);
                        answer.map(Reply::Log).map_err(|refusal| (home, refusal))
                    }
                    Kind::Write(partition, id, keyed) => {
                        let written = world.write(server, *partition, (*id, *keyed), now);
                        written
                            .map(|()| Reply::Written)
                            .map_err(|refusal| (home, refusal))
                    }
                });
            }
        }
        timeline.between(4, 6, Signal::Reply(number, attempt));
        if let Some(server) = delivery {
            self.publish_probe(server, world, timeline);
        }
    }

    pub(super) fn reply(
        &mut self,
        number: u64,
        attempt: u32,
        world: &World,
        timeline: &mut Timeline,
    ) {
        let Some(call) = self.current(number, attempt) else {
            return;
        };
        let (Some((server, lives)), Some(reply)) = (call.server, call.reply.take()) else {
            return;
        };
        let node = &world.nodes[server];
        if !matches!(reply, Err((_, Refusal::Closed)))
            && (node.process == Process::Dead || node.lives != lives)
        {
            return self.lost(number, server, timeline);
        }
        match reply {
            Ok(reply) => self.answered(number, server, reply, timeline),
            Err((home, refusal)) => {
                match refusal {
                    Refusal::Moved(to) => self.hint(Hint::Moved(home, server, to), timeline),
                    Refusal::TryAgain => {}
                    Refusal::ReadOnly => self.hint(Hint::Replica(server), timeline),
                    Refusal::Down | Refusal::Closed => self.hint(Hint::Silent(server), timeline),
                }
                self.set_apart(number, home, timeline);
                self.failed(number, false, timeline);
            }
        }
    }

    /// Asks for the partitions again that were asked for with one that the server sent away.
    fn set_apart(&mut self, number: u64, failed: usize, timeline: &mut Timeline) {
        let Some(Call {
            kind: Kind::Heads(request, partitions),
            deadline,
            pauses,
            ..
        }) = self.calls.get_mut(&number)
        else {
            return;
        };
        let others: Vec<usize> = partitions.extract_if(.., |one| *one != failed).collect();
        let (request, attempts) = (*request, (*deadline, *pauses));
        if self.flaw != Flaw::FailsTogether {
            self.ask_groups(request, &others, attempts, timeline);
        } else if let Some(Call {
            kind: Kind::Heads(_, partitions),
            ..
        }) = self.calls.get_mut(&number)
        {
            partitions.extend(others);
        }
    }

    fn answered(&mut self, number: u64, server: usize, reply: Reply, timeline: &mut Timeline) {
        let Some(call) = self.calls.remove(&number) else {
            return;
        };
        match (call.kind, reply) {
            (Kind::Heads(request, partitions), Reply::Heads(heads)) => {
                let hint = if heads.is_some() {
                    Hint::Answered
                } else {
                    Hint::Replica
                };
                self.hint(hint(server), timeline);
                self.heads_came(request, &partitions, heads, timeline);
            }
            (Kind::Since(partition, _), Reply::Log(answer)) => {
                self.log_answered(partition, Some(answer), timeline);
            }
            (Kind::Write(partition, id, _), _) => self.acknowledged.push((partition, id)),
            _ => {}
        }
    }

    pub(super) fn timed_out(&mut self, number: u64, attempt: u32, timeline: &mut Timeline) {
        if let Some(Call {
            server: Some((server, _)),
            ..
        }) = self.current(number, attempt)
        {
            let server = *server;
            self.lost(number, server, timeline);
        }
    }

    fn lost(&mut self, number: u64, server: usize, timeline: &mut Timeline) {
        self.hint(Hint::Silent(server), timeline);
        let is_write = matches!(self.calls[&number].kind, Kind::Write(..));
        if is_write && self.flaw != Flaw::RepeatsUnknownWrites {
            // The outcome is unknown.
            self.calls.remove(&number);
        } else {
            self.failed(number, true, timeline);
        }
    }

    /// Tries again, at once after a lost connection, or gives up at the time limit.
    fn failed(&mut self, number: u64, was_lost: bool, timeline: &mut Timeline) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let longest = (10_u64 << call.pauses.min(5)).min(300);
        let pause = if was_lost {
            Duration::ZERO
        } else {
            timeline.random.between(longest / 2, longest)
        };
        call.pauses += u32::from(!was_lost);
        call.attempt += 1;
        if timeline.now() + pause < call.deadline {
            timeline.after(pause, Signal::Retry(number));
            return;
        }
        let kind = self.calls.remove(&number).map(|call| call.kind);
        match kind {
            Some(Kind::Heads(request, partitions)) => {
                self.heads_came(request, &partitions, None, timeline);
            }
            Some(Kind::Since(partition, _)) => self.log_answered(partition, None, timeline),
            Some(Kind::Write(..)) | None => {}
        }
    }

    /// Tries a call again, where its partitions belong now.
    pub(super) fn retry(&mut self, number: u64, timeline: &mut Timeline) {
        let heads = match self.calls.get(&number) {
            Some(Call {
                kind: Kind::Heads(request, partitions),
                deadline,
                pauses,
                ..
            }) => Some((*request, partitions.clone(), (*deadline, *pauses))),
            _ => None,
        };
        match heads {
            None => self.send(number, timeline),
            Some((request, partitions, attempts)) => {
                self.calls.remove(&number);
                self.ask_groups(request, &partitions, attempts, timeline);
            }
        }
    }
}
