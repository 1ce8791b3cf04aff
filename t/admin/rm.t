# SPDX-License-Identifier: Apache-2.0

# ociadmin rm: it deletes what the API would, asks first, and works beside a
# running server.

use OCI::Test;

use File::Temp ();
use JSON::PP ();
use OCI::Admin;
use Time::HiRes qw(sleep time);

# The commands end as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $server = OCI::Server->start(config => "OCISparse Index\nOCIGCInterval 0");
my $client = OCI::Client->new($server);
my $store = $server->store;
my $on_fs = $server->index eq 'fs';
my @stores = store_options($server);

# One test: the exit status, the message, and what is printed.
sub rm_is {
    my ($status, $sentence, $printed, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin('rm', @words, @stores);
    return ok($run->{status} eq $status && $run->{err} =~ $sentence
        && $run->{out} =~ $printed, "rm @words")
        || diag("status $run->{status}: $run->{err}$run->{out}") && 0;
}

sub refuses {
    my ($status, $sentence, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return rm_is($status, $sentence, qr/\A\z/, @words);
}

sub removes {
    my ($printed, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return rm_is(0, qr/\A\z/, qr/\A$printed\n\z/, '--yes', @words);
}

sub status_of { return $client->get("/v2/$_[0]")->status }

# ---- the command line

refuses(2, qr/rm needs a name, such as team\/app:v1/);
refuses(2, qr/a whole repository is deleted only with --recursive; to delete le/,
    '--yes', 'a');
refuses(2, qr/--recursive deletes a whole repository: write its name without a/,
    '--yes', '--recursive', 'a:b');
refuses(2, qr/standard input is not a terminal, so nobody can be asked; use --yes/,
    'a:b');
refuses(2, qr/is not a valid repository name/, '--yes', 'A:b');
status_is($client->get('/v2/'), 200);
refuses(1, qr/there is no repository a$/, '--yes', $_) for 'a:b',
    'a@' . digest_of('');
refuses(1, qr/there is no repository a$/, '--yes', '--recursive', 'a');

# ---- what is deleted

subtest 'a tag' => sub {
    my $digest = $client->push_image('tag', $_)->{digest} for 'v1', 'v2';
    refuses(1, qr/the repository tag has no tag v9$/, '--yes', 'tag:v9');
    removes('deleted the tag tag:v1', 'tag:v1');
    is(status_of('tag/manifests/v1'), 404, 'it is gone');
    is(status_of('tag/manifests/v2'), 200, 'the other one is there');
    removes('deleted the tag tag:v2', 'tag:v2');
    my $run = ociadmin(qw(ls --json --untagged tag), @stores);
    is(scalar(() = $run->{out} =~ /^\{/mg), 1, 'the manifest stays');
};

subtest 'a manifest' => sub {
    my $image = $client->push_image('manifest', 'v1');
    $client->push_manifest('manifest', 'v2', $image->{text});
    $client->push_image('manifest', 'v3', config => '{"other":1}');
    my $digest = $image->{digest};
    my $subject = { mediaType => OCI::Client::IMAGE_MANIFEST, digest => $digest,
        size => length $image->{text} };
    my $referrer = $client->push_manifest('manifest', undef,
        image_manifest('{}', [], subject => $subject));
    refuses(1, qr/the repository manifest has no manifest or blob sha256:0+$/,
        '--yes', 'manifest@sha256:' . '0' x 64);
    removes("deleted the manifest manifest\@$referrer", "manifest\@$referrer");
    is_deeply($client->get("/v2/manifest/referrers/$digest")->json->{manifests},
        [], 'a referrer is no longer listed');
    removes("deleted the manifest manifest\@$digest\n"
        . "deleted its tag manifest:v1\ndeleted its tag manifest:v2",
        "manifest\@$digest");
    is(status_of("manifest/manifests/$_"), 404, "$_ is gone")
        for 'v1', 'v2', $digest;
    is(status_of('manifest/manifests/v3'), 200, 'another tag stays');
};

subtest 'a blob' => sub {
    my $digest = $client->push_blob($_, 'a blob') for 'blob/a', 'blob/b';
    $digest = digest_of('a blob');
    removes("deleted the blob blob/a\@$digest", "blob/a\@$digest");
    is(status_of("blob/a/blobs/$digest"), 404, 'it is gone');
    is(status_of("blob/b/blobs/$digest"), 200, 'another repository has it still');
    refuses(1, qr/there is no repository blob\/a$/, '--yes', "blob/a\@$digest");
    my $run = gc($server, '--grace', 0);
    is($run->{report}{blobs} >= 1, 1, 'garbage collection frees it');
};

# ---- a whole repository

# All facts about a repository but those of garbage collection.
sub facts_about {
    my $name = shift;
    return grep { m{^(?:repo/\Q$name\E/_|catalog/\Q$name\E!)} }
        keys %{ facts_of($store) };
}

subtest 'a repository' => sub {
    my @texts;
    for my $n (1 .. 5) {
        my $image = $client->push_image('whole/app', "v$n", config => "{\"n\":$n}",
            layers => ["layer $n"]);
        push @texts, $image->{text};
    }
    my $index = json_text(image_index(\@texts));
    my $digest = $client->push_manifest('whole/app', 'all', $index);
    $client->push_manifest('whole/app', 'nested',
        image_index([ $index, $texts[0] ]));
    $client->push_manifest('whole/app', undef, image_manifest('{"n":1}', [],
        subject => { mediaType => OCI::Client::IMAGE_INDEX, digest => $digest,
            size => length $index }));
    $client->push_image('whole/app/below', 'v1');
    $client->push_image('whole/appendix', 'v1');
    if ($on_fs) {
        my $absent = digest_of('absent');
        set_fact($store, "repo/whole/app/_tag/lost", "$absent;1;");
        set_fact($store, "repo/whole/app/_tag/odd", 'x');
        set_fact($store, "repo/whole/app/_tagged/$absent/old", '');
        set_fact($store, "repo/whole/app/_referrer/$absent/$absent", "a\n{}");
        set_fact($store, "repo/whole/app/_untagged/$absent", '1');
        set_fact($store, "repo/whole/app/_pulled/$absent", '1');
        set_fact($store, "repo/whole/app/_pending/" . '0' x 24, '');
        my $bad = digest_of('bad');
        set_fact($store, "repo/whole/app/_manifest/$bad", "a type\nx");
        set_fact($store, "repo/whole/app/_manifest/odd", "a type\nx");
        set_fact($store, "repo/whole/app/_blob/odd", '');
        give_to_httpd($store);
    }
    my ($tags, $manifests, $blobs) = $on_fs ? (9, 10, 11) : (7, 8, 10);
    removes("deleted $tags tags, $manifests manifests and $blobs blobs of the "
        . 'repository whole/app', '--recursive', 'whole/app');
    is_deeply([ facts_about('whole/app') ], [], 'nothing is left') if $on_fs;
    is(status_of('whole/app/tags/list'), 404, 'it is gone');
    is(status_of("whole/$_/manifests/v1"), 200, "whole/$_ is there")
        for 'app/below', 'appendix';
    $client->push_image('whole/app', 'new');
    is(status_of('whole/app/manifests/new'), 200, 'it can be pushed again');
};

subtest 'a large repository' => sub {
    $client->push_image('large', 'v0', config => '{}');
    for my $n (1 .. 300) {
        $client->push_manifest('large', "v$n",
            image_manifest('{}', ['layer of large'], annotations => { n => "$n" }));
    }
    removes('deleted 301 tags, 301 manifests and 2 blobs of the repository large',
        '--recursive', 'large');
    is(status_of('large/tags/list'), 404, 'it is gone');
};

# Push to a repository while it is deleted again and again.  A push that was
# acknowledged is there, whole, or was deleted as a whole.
subtest 'beside pushes' => sub {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my $pusher = OCI::Client->new($server);
        my ($end, $pushed) = time + 4;
        for (my $n = 0; time < $end || !$pushed; $n++) {
            $pushed = 1 if eval { $pusher->push_image('busy', 'v' . $n % 5,
                config => "{\"n\":$n}", layers => [ 'busy', "layer $n" ]) };
        }
        POSIX::_exit(0);
    }
    my (%status, $ended);
    until ($ended) {
        $ended = waitpid $pid, POSIX::WNOHANG();    # then once more
        my $run = ociadmin('rm', '--yes', '--recursive', 'busy', @stores);
        $status{ $run->{status} }++;
        next if $run->{err}
            =~ /\A(?:ociadmin: (?:there is no repository|clients keep).*\n)?\z/;
        diag($run->{err});
        $status{bad}++;
    }
    is($status{bad}, undef, 'no failure');
    cmp_ok($status{0} // 0, '>', 0, 'it was deleted');
    my $run = ociadmin('rm', '--yes', '--recursive', 'busy', @stores);
    is_deeply([ facts_about('busy') ], [], 'nothing is left') if $on_fs;
    is(status_of('busy/tags/list'), 404, 'at the end it is gone');
};

# ---- a terminal

SKIP: {
    chomp(my $script = `sh -c 'command -v script'` // '');
    skip 'there is no script(1)', 1 if !$script;

    # Run on a terminal, and type this line.
    my $type = sub {
        my ($line, @words) = @_;
        my $dir = File::Temp->newdir(TMPDIR => 1);
        my $command = join ' ', map { "'$_'" } tool(), 'rm', @words, @stores;
        open my $terminal, '|-', "$script -qfec \"$command\" $dir/out > /dev/null"
            or die "script: $!\n";
        $terminal->autoflush(1);
        my $text = '';
        for (1 .. 2400) {
            $text = OCI::Server::slurp("$dir/out") if -e "$dir/out";
            last if $text =~ /\[y\/N\]|ociadmin:/;
            sleep 0.05;
        }
        print $terminal "$line\n";
        close $terminal;
        return { status => $? >> 8,
            said => OCI::Server::slurp("$dir/out") =~ s/\r//gr };
    };

    subtest 'a question' => sub {
        my $image = $client->push_image('asks', 'v1');
        $client->push_manifest('asks', 'v2', $image->{text});
        my $digest = $image->{digest};
        my $layer = digest_of('layer of asks');
        for my $answer ('n', '', 'yes, of course') {
            my $run = $type->($answer, "asks\@$digest");
            is($run->{status}, 1, "'$answer'");
            like($run->{said}, qr/^This\ deletes\ the\ manifest\ asks\@$digest
                \n\ \ and\ its\ tag\ asks:v1\n\ \ and\ its\ tag\ asks:v2\n
                Delete\?\ \[y\/N\]/xm, 'what would go') if $answer eq 'n';
            like($run->{said}, qr/ociadmin: nothing was deleted$/m, 'nothing goes');
        }
        is(status_of('asks/manifests/v1'), 200, 'it is there');
        like($type->('n', "asks\@$layer")->{said}, qr/^This\ deletes\ the\ blob\ .*\n
            \ \ Manifests\ of\ the\ repository\ name\ it\.\ \ They\ will\ be/xm,
            'a blob that is named');
        like($type->('n', 'asks:v1')->{said}, qr/^This\ deletes\ the\ tag\ asks:v1,
            \ which\ names\ $digest\.\n\ \ The\ manifest\ stays\.\n/xm, 'a tag');
        my $run = $type->('n', '--recursive', 'asks');
        like($run->{said}, qr/^This\ deletes\ the\ repository\ asks\ with\ 2\ tags,
            \ 1\ manifest\ and\ all\ its\ blobs\.$/xm, 'a repository');
        $run = $type->('y', "asks\@$digest");
        is($run->{status}, 0, "'y'");
        like($run->{said}, qr/^deleted the manifest asks\@$digest$/m, 'it went');
        is(status_of("asks/manifests/$_"), 404, "$_ is gone") for 'v1', $digest;
    };
}

$server->stop;
done_testing;
