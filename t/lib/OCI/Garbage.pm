# SPDX-License-Identifier: Apache-2.0

# Garbage collection beside other work, and what a store must look like when
# all of it is done.
#
#     my $runner = OCI::Garbage->start($server, '--grace', 5);   # again and again
#     my @runs = $runner->finish;        # what gc() of OCI::Admin returned
#     my @faults = store_faults($server);       # after a run with --grace 0
#
# store_faults() reads the facts of every kind of index: it has them copied to
# one of the provider fs.  Nothing may write meanwhile.

package OCI::Garbage;

use strict;
use warnings;

use Exporter 'import';
use File::Find ();
use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use OCI::Client;
use POSIX ();
use Time::HiRes qw(sleep);

our @EXPORT = qw(store_faults clean);

# ---- runs in a loop

sub start {
    my ($class, $server, @options) = @_;
    # The first request gives the blob store its id.
    OCI::Client->new($server)->get('/v2/_catalog');
    my $dir = File::Temp->newdir(TMPDIR => 1);
    my $self = bless { dir => $dir }, $class;
    $self->{pid} = fork // die "fork: $!\n";
    return $self if $self->{pid};
    open my $log, '>', "$dir/log" or POSIX::_exit(2);
    while (!-e "$dir/end") {
        syswrite $log, JSON::PP::encode_json(gc($server, @options)) . "\n";
    }
    POSIX::_exit(0);
}

sub finish {
    my $self = shift;
    open my $end, '>', "$self->{dir}/end" or die "$self->{dir}/end: $!\n";
    waitpid $self->{pid}, 0;
    return map { JSON::PP::decode_json($_) } split /\n/,
        OCI::Server::slurp("$self->{dir}/log");
}

# Collect everything, in two runs, as nothing else happens.  Returns what is
# wrong with the runs, or with the store after them.
sub clean {
    my ($server, @options) = @_;
    my @runs = map { gc($server, '--grace', 0, @options) } 1, 2;
    my @faults = map { "gc: status $_->{status}: $_->{err}" }
        grep { $_->{status} || length $_->{err} } @runs;
    push @faults, 'the second run still found blobs: '
        . JSON::PP::encode_json($runs[1]{report})
        if $runs[1]{report}{collected} || $runs[1]{report}{blobs};
    return (@faults, store_faults($server));
}

# ---- the store

# All facts of a server's index.
sub facts {
    my $server = shift;
    my $argument = $server->{index}->argument($server->store);
    return facts_of($server->store) if !defined $argument;
    my $dir = File::Temp->newdir(TMPDIR => 1);
    chmod 0755, "$dir";
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    my $run = ociadmin('copy', '--quiet', $argument, "fs $dir/copy");
    die "copy: $run->{err}\n" if $run->{status};
    return facts_of("$dir/copy");
}

# The files of the blobs, digest to size, and other files.
sub files {
    my $store = shift;
    my (%files, @others);
    File::Find::find({ no_chdir => 1, wanted => sub {
        return if -d;
        my $name = s{^\Q$store\E/blobs/}{}r;
        if ($name =~ m{^(sha\d+)/(..)/(\2[0-9a-f]+)\z}) {
            $files{"$1:$3"} = -s;
        }
        elsif ($name !~ m{^\.(?:id|index|version)\z}) {
            push @others, $name;
        }
    } }, "$store/blobs");
    return (\%files, @others);
}

# The same of a bucket, whose keys the records have, digest to "size;key".
sub objects {
    my ($server, $records) = @_;
    my %objects = %{ $server->{blobs}->objects($server->store) };
    my %files;
    for my $digest (keys %{ $records // {} }) {
        my ($key) = $records->{$digest} =~ /;(.*)/s;
        my $size = delete $objects{ $key // '' };
        $files{$digest} = $size if defined $size;
    }
    delete @objects{qw(id index)};
    return (\%files, sort keys %objects);
}

# What a manifest names: digests of blobs, and its subject.
sub names {
    my $document = JSON::PP::decode_json(shift);
    return { subject => ($document->{subject} // {})->{digest},
        blobs => [ map { $_->{digest} } $document->{config} // (),
            @{ $document->{layers} // [] } ] };
}

# The facts of repositories, sorted by kind.
sub sort_facts {
    my ($facts) = @_;
    my %kind;
    for my $key (keys %$facts) {
        my ($repo, $kind, $rest) = $key =~ m{^repo/(.+?)/_(\w+)/(.+)\z}
            ? ($1, $2, $3) : ('', $key =~ m{^(\w+)(?:/(.+))?\z});
        $kind{$kind}{$repo}{ $rest // '' } = $facts->{$key};
    }
    return \%kind;
}

sub store_faults {
    my $server = shift;
    my $facts = sort_facts(facts($server));
    my ($files, @others) = $server->blobs eq 'fs' ? files($server->store)
        : objects($server, $facts->{blob}{''});
    my %repos = map { map { $_ => 1 } keys %{ $facts->{$_} } }
        qw(manifest blob tag referrer pending);
    delete $repos{''};
    return ((map { "a file that is not a blob's: $_" } @others),
        (map { repository_faults($facts, $_) } sort keys %repos),
        blob_faults($facts, $files), rest_faults($facts));
}

sub repository_faults {
    my ($facts, $repo) = @_;
    my %of = map { $_ => $facts->{$_}{$repo} // {} }
        qw(manifest blob tag tagged referrer pending untagged);
    my (%named, @faults, %referrers);
    for my $digest (keys %{ $of{manifest} }) {
        my $names = names($of{manifest}{$digest} =~ s/\A[^\n]*\n//r);
        $named{$_} = $digest for @{ $names->{blobs} };
        $referrers{"$names->{subject}/$digest"} = 1 if $names->{subject};
    }
    push @faults, "blob $_ of $named{$_} does not exist"
        for grep { !exists $of{blob}{$_} } keys %named;
    push @faults, "blob $_ is not garbage, but condemned"
        for grep { $named{$_} && length $of{blob}{$_} } keys %{ $of{blob} };
    push @faults, "blob $_ is garbage" for grep { !$named{$_} }
        keys %{ $of{blob} };
    push @faults, "tag $_ names no manifest" for grep {
        !exists $of{manifest}{ $of{tag}{$_} =~ s/;.*//r } } keys %{ $of{tag} };
    push @faults, map { "tag $_ is not among the tags of its manifest" } grep {
        !exists $of{tagged}{ ($of{tag}{$_} =~ s/;.*//r) . "/$_" } }
        keys %{ $of{tag} };
    push @faults, "referrer $_ does not exist" for grep { !$referrers{$_} }
        keys %{ $of{referrer} };
    push @faults, "the mark of a push is left: $_" for keys %{ $of{pending} };
    push @faults, 'the catalog lacks it'
        if !exists $facts->{catalog}{''}{"$repo!"};
    return map { "$repo: $_" } @faults;
}

# Files, records, holders and the blobs of repositories belong together.
sub blob_faults {
    my ($facts, $files) = @_;
    my $held = $facts->{blob};
    my $records = delete $held->{''} // {};
    my (%held, %holder, @faults);
    for my $repo (keys %$held) {
        $held{$_}{$repo} = 1 for keys %{ $held->{$repo} };
    }
    my $holders = $facts->{holder}{''} // {};
    $holder{ m{/(.+),} && $1 }{ $holders->{$_} } = 1 for keys %$holders;
    for my $digest (keys %{ { %$files, %held, %holder, %$records } }) {
        my $size = ($records->{$digest} // '') =~ /^(\d+);/ ? $1 : 'no record';
        my $file = $files->{$digest} // 'no file';
        push @faults, "$digest: $size but $file" if $size ne $file;
        push @faults, "$digest: nobody holds it" if !$held{$digest};
        push @faults, "$digest: $_ is not a holder"
            for grep { !$holder{$digest}{$_} } keys %{ $held{$digest} };
    }
    return @faults;
}

sub rest_faults {
    my ($facts) = @_;
    my @faults = map { "an orphan is left: $_" } keys %{ $facts->{orphan}{''} };
    push @faults, "a review is left: $_" for keys %{ $facts->{review}{''} };
    for my $name (map { s/!\z//r } keys %{ $facts->{catalog}{''} }) {
        push @faults, "the catalog lists $name, which is empty"
            if !$facts->{manifest}{$name} && !$facts->{blob}{$name};
    }
    push @faults, 'a run did not end: ' . $facts->{gc}{''}{''}
        if $facts->{gc}{''}{''} =~ /running/;
    return @faults;
}

1;
