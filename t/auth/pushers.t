# SPDX-License-Identifier: Apache-2.0

# When and by whom a tag and a manifest were pushed: the index notes it, and
# the same push again changes nothing.  The test reads and changes the files of
# the index "fs".

use OCI::Test;
use OCI::Auth;
use OCI::Admin qw(set_fact);
use Time::HiRes ();

my $odd = 'odd name; %+&"ü';
my $long = 'ü' x 200;
my $login = OCI::Auth::file_login();
my ($server, $client, $image, $start);

sub fact {
    return OCI::Server::fact($server->store . "/index/repo/a/$_[0]");
}

sub tag_of      { return fact("_tag/$_[0]") }
sub manifest_of { return fact("_manifest/$image->{digest}") }

# Push the image again; the status must be 201.
sub push_as {
    my ($authorization, $tag) = @_;
    my $res = $client->put("/v2/a/manifests/$tag", $image->{text},
        'Content-Type' => OCI::Client::IMAGE_MANIFEST,
        Authorization  => $authorization);
    return status_is($res, 201, "a push of $tag");
}

# The time in a value, if it has this user.
sub time_of {
    my ($value, $user, $separator) = @_;
    return $value =~ /$separator(\d+)$separator\Q$user\E(?:\n|\z)/ ? $1 : 0;
}

sub is_noted {
    my ($tag, $user, $name) = @_;
    my $of_tag = time_of(tag_of($tag), $user, ';');
    my $of_manifest = time_of(manifest_of(), $user, "\t");
    like(tag_of($tag), qr/\A\Q$image->{digest}\E;\d+;[!-:<-~]*\z/,
        "$name: the form of the tag");
    # time(2) may lag behind the clock of httpd by a tick.
    ok($of_tag >= $start && $of_tag <= Time::HiRes::time(), "$name: the tag")
        or diag(tag_of($tag));
    is($of_manifest, $of_tag, "$name: the manifest");
    return;
}

sub begin {
    my (%option) = @_;
    $start = time;
    $server = OCI::Server->start(index => 'fs', %option);
    OCI::Auth::passwords($server,
        more => { map { $_ => 'secret' } 'ci', $odd, $long });
    $client = OCI::Client->new($server);
    $image = $client->push_image('a', 'first');
    return;
}

subtest 'passwords' => sub {
    begin(config => "$login\nRequire all granted",
        modules => [qw(auth_basic authn_core authn_file authz_user)]);
    is_noted('first', '', 'an anonymous push');
    push_as(OCI::Auth::basic('ci', 'secret'), 'v1');
    is_noted('v1', 'ci', 'a user');
    push_as(OCI::Auth::basic($odd, 'secret'), 'v1');
    is_noted('v1', 'odd%20name%3B%20%25+&"%C3%BC', 'an odd name');
    push_as(OCI::Auth::basic($long, 'secret'), 'v1');
    is_noted('v1', '%C3%BC' x 127, 'a long name is cut');

    my $res = $client->get('/v2/a/manifests/v1');
    is($res->body, $image->{text}, 'the answer has the bytes as pushed');
    header_is($res, 'Content-Type', OCI::Client::IMAGE_MANIFEST,
        'and the type as pushed');
    unlike(join(' ', map { @$_ } values %{ $res->{headers} }),
        qr/%C3%BC|$start/, 'and no user or time');
    is($client->get('/v2/a/tags/list')->json->{tags}[1], 'v1',
        'tags are listed');
    status_is($client->get('/v2/a/manifests/v1',
        'If-None-Match' => "\"$image->{digest}\""), 304, 'If-None-Match');
    $server->stop;
    done_testing;
};

subtest 'tokens' => sub {
    my %setup = OCI::Auth::setup('tokens, open pull');
    begin(%setup, config => 'Require all granted');
    my $token = OCI::Auth->new($server, 'writer')->token_for(
        'repository:a:pull,push');
    push_as("Bearer $token", 'v1');
    is_noted('v1', 'writer', 'the subject of a token');
    $server->stop;
    done_testing;
};

subtest 'the same push again' => sub {
    begin(config => "$login\nRequire all granted",
        modules => [qw(auth_basic authn_core authn_file authz_user)]);
    my $ci = OCI::Auth::basic('ci', 'secret');
    my $dir = $server->store;
    # Let a fact be pushed so many seconds ago, by a user.
    my $age = sub {
        my ($seconds, $user) = @_;
        my $time = time - $seconds;
        my $type = OCI::Client::IMAGE_MANIFEST;
        set_fact($dir, 'repo/a/_tag/v1', "$image->{digest};$time;$user");
        set_fact($dir, "repo/a/_manifest/$image->{digest}",
            "$type\t$time\t$user\n$image->{text}");
        OCI::Admin::give_to_httpd("$dir/index/repo/a");
        return $time;
    };
    for my $case (
        [ 20,   'ci',    1, 'within a minute' ],
        [ 70,   'ci',    0, 'later' ],
        [ -600, 'ci',    0, 'a time in the future' ],
        [ 20,   'other', 0, 'another user' ],
        [ 20,   '',      0, 'anonymous before' ],
    ) {
        my ($seconds, $user, $kept, $name) = @$case;
        my $time = $age->($seconds, $user);
        push_as($ci, 'v1');
        if ($kept) {
            is(time_of(tag_of('v1'), 'ci', ';'), $time, "$name: the tag");
            is(time_of(manifest_of(), 'ci', "\t"), $time, "$name: the manifest");
        }
        else {
            is_noted('v1', 'ci', $name);
        }
    }
    set_fact($dir, 'repo/a/_tag/v1', $image->{digest});
    set_fact($dir, "repo/a/_manifest/$image->{digest}",
        OCI::Client::IMAGE_MANIFEST . "\n$image->{text}");
    OCI::Admin::give_to_httpd("$dir/index/repo/a");
    push_as($ci, 'v1');
    is_noted('v1', 'ci', 'a fact of version 1');
    for my $value ("x\ty\tz\n$image->{text}", 'no line') {
        set_fact($dir, "repo/a/_manifest/$image->{digest}", $value);
        OCI::Admin::give_to_httpd("$dir/index/repo/a");
        push_as($ci, 'v1');
        is(time_of(manifest_of(), 'ci', "\t") > 0, 1, 'a damaged fact');
    }
    $server->stop;
    done_testing;
};

done_testing;
