#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# webhook.pl: post the events of OCIEventLog to a URL, as the notifications of
# the CNCF project distribution.  "install" installs it as oci-webhook; the
# option --help prints the text below.
#
# One process reads the events and puts them into the queue, each time as many
# as have arrived, synced to the disk.  Another one posts what is in the queue,
# in order, and removes it when the receiver has answered 2xx.  Until then it
# tries again, at first after a second, later after a minute.  What the receiver
# refuses with 400 or another 4xx that will not change goes to DIR/refused and
# is not sent again.  After a crash an event may be sent twice, with the same id.

use strict;
use warnings;

use Fcntl qw(:flock);
use Getopt::Long qw(GetOptions);
use HTTP::Tiny ();
use IO::Handle ();
use JSON::PP qw(decode_json);
use POSIX qw(WNOHANG);
use Time::HiRes qw(gettimeofday);

use constant { FIRST_WAIT => 1, LONGEST_WAIT => 60, ANSWER => 60 };  # seconds

my $NAME = $0 =~ s{.*/}{}r;
my $USAGE = <<"END";
usage: $NAME --queue DIR --url URL [--headers FILE] [--registry URL]
END
my $HELP = <<"END";
${USAGE}
Post the events of mod_oci to a URL, in the format of the notifications of the
CNCF project distribution.  httpd starts this program:

    OCIEventLog "|PATH/$NAME --queue DIR --url URL"

    --queue DIR      where events wait: an existing directory, used for nothing
                     else
    --url URL        where to post; https needs Perl's IO::Socket::SSL
    --headers FILE   further headers to send, a line for each, such as
                     "Authorization: Bearer ..."
    --registry URL   the URL of the registry for clients, such as
                     https://registry.example.org; it is used in target.url
    --help           print this text

See "Who changed what: the event log" in the manual, conf/README.
END

my %option;
GetOptions(\%option, 'queue=s', 'url=s', 'headers=s', 'registry=s', 'help')
    or die $USAGE;
if ($option{help}) {
    print $HELP;
    exit 0;
}
die $USAGE if !$option{queue} || !$option{url} || @ARGV;
my $QUEUE = $option{queue};
-d $QUEUE && -w _
    or die "$NAME: $QUEUE is not a directory that I can write to; create it "
    . "with: install -d -m 0700 $QUEUE\n";
my $JSON = JSON::PP->new->canonical->utf8;

# httpd writes this to its error log.
sub complain { print STDERR "$NAME: @_\n"; return }

# ---- the queue: files whose names sort by time

my $count = 0;

# Put lines into the queue.
sub enqueue {
    my $lines = shift;
    my ($seconds, $microseconds) = gettimeofday();
    my $name = sprintf '%010d.%06d-%d-%d', $seconds, $microseconds, $$,
        $count++;
    open my $file, '>:raw', "$QUEUE/.$name" or die "$QUEUE/.$name: $!\n";
    print {$file} $lines or die "$QUEUE/.$name: $!\n";
    $file->flush && $file->sync && close $file or die "$QUEUE/.$name: $!\n";
    rename "$QUEUE/.$name", "$QUEUE/$name" or die "$QUEUE/$name: $!\n";
    return;
}

# Put what killed programs were about to put into the queue there.
sub recover {
    opendir my $directory, $QUEUE or die "$QUEUE: $!\n";
    for (readdir $directory) {
        my ($name, $pid) = /^\.([\d.]+-(\d+)-\d+)\z/ or next;
        rename "$QUEUE/.$name", "$QUEUE/$name" if !kill 0, $pid;
    }
    return;
}

sub waiting {
    opendir my $directory, $QUEUE or die "$QUEUE: $!\n";
    return sort grep { /^\d{10}\./ } readdir $directory;
}

# ---- the sender

my %ACTION = (
    'manifest.push' => 'push', 'tag.push' => 'push', 'blob.push' => 'push',
    'blob.mount' => 'mount', 'manifest.delete' => 'delete',
    'tag.delete' => 'delete', 'blob.delete' => 'delete',
);

sub url_of {
    my $event = shift;
    return if !$option{registry} || !$event->{digest};
    my $kind = $event->{action} =~ /^blob/ ? 'blobs' : 'manifests';
    return (url => "$option{registry}/v2/$event->{repository}/$kind/"
        . $event->{digest});
}

# Translate one event; the empty list if the notifications have no such event.
sub notification {
    my $event = shift;
    my $action = $ACTION{ $event->{action} } or return;
    my %target = (repository => $event->{repository}, url_of($event));
    my $type = $event->{mediaType}
        // ($event->{action} =~ /^blob/ ? 'application/octet-stream' : undef);
    $target{mediaType} = $type if $type;
    @target{qw(size length)} = ($event->{size}) x 2 if defined $event->{size};
    $target{$_} = $event->{$_} for grep { $event->{$_} } qw(digest tag);
    delete $target{digest} if $event->{action} eq 'tag.delete';
    return {
        id => $event->{id}, timestamp => $event->{time}, action => $action,
        target => \%target,
        request => { id => $event->{requestId} // $event->{id},
            addr => $event->{address} // '', host => $event->{host} // '',
            method => $event->{method} // '',
            useragent => $event->{userAgent} // '' },
        actor => { $event->{actor} ? (name => $event->{actor}) : () },
        source => { addr => $event->{host} // '', instanceID => 'mod_oci' },
    };
}

sub headers {
    my %headers = ('Content-Type' =>
            'application/vnd.docker.distribution.events.v2+json');
    return \%headers if !$option{headers};
    open my $file, '<', $option{headers} or die "$option{headers}: $!\n";
    while (<$file>) {
        $headers{$1} = $2 if /^([\w-]+):\s*(.*?)\s*$/;
    }
    return \%headers;
}

# Post the events of a file.  Returns the status and its reason; 200 if there is
# nothing to post.
sub post {
    my ($http, $name) = @_;
    open my $file, '<:raw', "$QUEUE/$name" or die "$QUEUE/$name: $!\n";
    my @events;
    while (my $line = <$file>) {
        my $event = eval { decode_json($line) };
        push @events, notification($event) if $event;
        complain("not an event: $line") if !$event;
    }
    return (200, '') if !@events;
    # A body of any length is read, and dropped; but not for ever.
    local $SIG{ALRM} = sub { die 'no answer within ' . ANSWER . " seconds\n" };
    alarm ANSWER;
    my $response = $http->post($option{url}, { headers => headers(),
        data_callback => sub { },
        content => $JSON->encode({ events => \@events }) });
    alarm 0;
    # 599 is an error of the connection; its text is in the content
    return ($response->{status}, $response->{status} == 599
        ? $response->{content} : $response->{reason});
}

# Some statuses say that the URL or the password is wrong, or to come again: the
# event itself is good.
sub is_refusal {
    my $status = shift;
    return $status =~ /^4/ && $status !~ /^4(?:01|03|04|07|08|25|29)\z/;
}

# Send what is in the queue, until the receiver does not take it.  Returns
# whether it took everything.
sub send_all {
    my $http = shift;
    for my $name (waiting()) {
        my ($status, $reason) = post($http, $name);
        if ($status =~ /^2/) {
            unlink "$QUEUE/$name";
        }
        elsif (is_refusal($status)) {
            complain("$option{url} refuses the events in $QUEUE/refused/$name: "
                . "$status $reason");
            mkdir "$QUEUE/refused";
            rename "$QUEUE/$name", "$QUEUE/refused/$name"
                or die "$QUEUE/refused/$name: $!\n";
        }
        else {
            $reason =~ s/\s+/ /g;
            $reason =~ s/ +\z//;
            complain("$option{url} does not accept events.  They wait in "
                . "$QUEUE and are sent again later: $status $reason");
            return 0;
        }
    }
    return 1;
}

# Runs until the reader ends.  After a restart of httpd an earlier sender may
# still be at work: one at a time sends.
sub run_sender {
    my $wakeup = shift;
    open my $lock, '>', "$QUEUE/.lock" or die "$QUEUE/.lock: $!\n";
    flock $lock, LOCK_EX or die "$QUEUE/.lock: $!\n";
    my $http = HTTP::Tiny->new(timeout => 30, verify_SSL => 1,
        max_size => 65536);    # of the body of a failure
    recover();
    my $wait = FIRST_WAIT;
    while (1) {
        my $done = eval { send_all($http) };
        complain($@ =~ s/\s+\z//r) if $@;
        $wait = $done ? FIRST_WAIT : $wait;
        my $set = '';
        vec($set, fileno $wakeup, 1) = 1;
        if (select my $ready = $set, undef, undef, $done ? undef : $wait) {
            sysread $wakeup, my $bytes, 4096 or exit 0;
            sleep $wait if !$done;    # more events do not make it answer
        }
        $wait = $wait * 2 < LONGEST_WAIT ? $wait * 2 : LONGEST_WAIT if !$done;
    }
}

# ---- the reader

my ($sender, $to_sender);

# Start the sender, or start it again if it has ended.
sub start_sender {
    return if $sender && !waitpid $sender, WNOHANG;
    close $to_sender if $to_sender;
    pipe my $from_reader, $to_sender or die "pipe: $!\n";
    $sender = fork // die "fork: $!\n";
    if (!$sender) {
        close $to_sender;
        open STDIN, '<', '/dev/null';    # the reader alone has the events
        run_sender($from_reader);
    }
    $to_sender->blocking(0);
    return;
}

# httpd ends its programs by this signal, but its processes may still have
# events.  The end of the input ends this program.
$SIG{TERM} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
start_sender();
my $input = '';
while (my $read = sysread STDIN, $input, 65536, length $input) {
    next if $input !~ /\n/;
    my $lines = substr $input, 0, 1 + rindex($input, "\n"), '';
    eval { enqueue($lines); 1 }
        or complain('events are lost: ' . ($@ =~ s/\s+\z//r) . ": $lines");
    start_sender();
    syswrite $to_sender, 'x';
}
enqueue($input) if length $input;
