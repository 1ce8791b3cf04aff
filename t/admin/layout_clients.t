# SPDX-License-Identifier: Apache-2.0

# Image layouts of real programs: each writes one that "ociadmin import" reads,
# and reads one that "ociadmin export" wrote, with the same manifests.

use OCI::Clients;

use OCI::Admin qw(ociadmin store_options);
use OCI::Layout;

my ($oras, $regctl, $crane) = map { tool($_) } qw(oras regctl crane);
my ($skopeo) = map { system_tool($_) } 'skopeo',
    $> ? () : qw(podman containerd ctr);
my @copy = ($skopeo, '--insecure-policy', 'copy', '-q');
my @skopeo = (@copy, '--all', '--preserve-digests');
my $plain_from = '--src-tls-verify=false';
my $plain_to = '--dest-tls-verify=false';

# The command ends as the user of httpd, whom LeakSanitizer cannot examine.
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

my $registry = registry();
my $dir = scratch();
my $host = $registry->host;
my $client = OCI::Client->new($registry, headers => [ Accept => join ', ',
    IMAGE_MANIFEST, IMAGE_INDEX ]);
my @stores = store_options($registry);
my @regctl = ($regctl, '--host', "reg=$host,tls=disabled");

# One test: ociadmin succeeds, and says nothing of a fault.
sub admin_ok {
    my ($name, @words) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $run = ociadmin(@words, '--quiet', @stores);
    return ok($run->{status} eq 0 && $run->{err} eq '', $name)
        || diag("status $run->{status}: $run->{err}$run->{out}");
}

# One test: a tag names this digest, and all of it is there.
sub tag_is {
    my ($repo, $tag, $digest) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my (undef, @faults) = OCI::Clients::verify($registry, $repo, $tag);
    my $got = $client->get("/v2/$repo/manifests/$tag")
        ->header('Docker-Content-Digest') // '';
    return ok(!@faults && $got eq $digest, "$repo:$tag is the same")
        || diag(join "\n", "got $got", @faults);
}

# One test: a manifest has this number of referrers.
sub referrers_are {
    my ($repo, $digest, $count) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(scalar @{ $client->get("/v2/$repo/referrers/$digest")
        ->json->{manifests} }, $count, "$repo has its referrers");
}

# What is exported: an image, an index, and a referrer of the image.
root_tar("$dir/root.tar", 100_000);
my $layer = slurp("$dir/root.tar");
my @content = (layers => [$layer], config => json_text({
    architecture => 'amd64', os => 'linux', config => {},
    rootfs => { type => 'layers', diff_ids => [ digest_of($layer) ] },
    history => [ { created_by => 'a test' } ] }));
my $image = $client->push_image('app', 'v1', @content);
my $v1 = $image->{digest};
my $all = $client->push_manifest('app', 'all', image_index([ $image->{text} ]));
spew("$dir/note.txt", "a note\n");
run_ok('a referrer', { in => $dir }, $oras, 'attach', '--plain-http',
    '--artifact-type', 'application/vnd.test.sbom', "$host/app:v1",
    'note.txt:text/plain');
admin_ok('export to a directory', 'export', 'app', "$dir/ours");
admin_ok('export to an archive', 'export', 'app', "$dir/ours.tar");
my $alone = $client->push_image('alone', 'v1', @content,
    annotations => { is => 'alone' })->{digest};
admin_ok('export one image', 'export', 'alone', "$dir/alone");
admin_ok('to an archive', 'export', 'alone', "$dir/alone.tar");

# skopeo
run_ok('skopeo writes two tags', @skopeo, $plain_from, "docker://$host/app:$_",
    "oci:$dir/skopeo:$_") for qw(v1 all);
run_ok('and an archive', @skopeo, $plain_from, "docker://$host/app:v1",
    "oci-archive:$dir/skopeo.tar:v1");
admin_ok('import the directory', 'import', "$dir/skopeo", 'from/skopeo');
admin_ok('import the archive', 'import', "$dir/skopeo.tar", 'from/skopeo-tar');
tag_is('from/skopeo', @$_) for [ v1 => $v1 ], [ all => $all ];
tag_is('from/skopeo-tar', v1 => $v1);
run_ok('skopeo reads a directory', @skopeo, $plain_to, "oci:$dir/ours:$_",
    "docker://$host/to/skopeo:$_") for qw(v1 all);
run_ok('and an archive', @skopeo, $plain_to, "oci-archive:$dir/ours.tar:all",
    "docker://$host/to/skopeo-tar:all");
tag_is('to/skopeo', @$_) for [ v1 => $v1 ], [ all => $all ];
tag_is('to/skopeo-tar', all => $all);

# An archive of "docker save" is refused with the command that converts it.
run_ok('skopeo writes for docker load', @copy, $plain_from,
    "docker://$host/app:v1", "docker-archive:$dir/docker.tar:x/y:1");
my $run = ociadmin('import', "$dir/docker.tar", 'from/docker', @stores);
is($run->{status}, 1, 'an archive of docker save is refused');
my ($command) = $run->{err} =~ /"skopeo (copy docker-archive:.*)"$/m;
$command =~ s/NAME:TAG/x\/y:1/;
$command =~ s/NEW.tar:TAG/$dir\/new.tar:1/;
is(system("$skopeo --insecure-policy $command > $dir/log 2>&1"), 0, $command)
    or diag(slurp("$dir/log"));
admin_ok('what it makes is imported', 'import', "$dir/new.tar", 'from/docker');
tag_is('from/docker', 1 => digest_of($client->get('/v2/from/docker/manifests/1')
        ->body));

# oras
run_ok('oras writes a layout', $oras, 'cp', '-r', '--no-tty',
    '--from-plain-http', '--to-oci-layout', "$host/app:v1", "$dir/oras:v1");
admin_ok('import it', 'import', "$dir/oras", 'from/oras');
tag_is('from/oras', v1 => $v1);
referrers_are('from/oras', $v1, 1);
for my $form ('ours', 'ours.tar') {
    my $to = $form =~ /tar/ ? 'to/oras-tar' : 'to/oras';
    run_ok("oras reads $form", $oras, 'cp', '-r', '--no-tty', '--to-plain-http',
        '--from-oci-layout', "$dir/$form:v1", "$host/$to:v1");
    tag_is($to, v1 => $v1);
    referrers_are($to, $v1, 1);
}

# regctl
run_ok('regctl writes a layout', @regctl, 'image', 'copy', '--referrers',
    "$host/app:v1", "ocidir://$dir/regctl:v1");
run_ok('and an archive', @regctl, 'image', 'export', "$host/app:v1",
    "$dir/regctl.tar");
admin_ok('import the layout', 'import', "$dir/regctl", 'from/regctl');
admin_ok('import the archive', 'import', "$dir/regctl.tar", 'from/regctl-tar:v1');
tag_is($_, v1 => $v1) for 'from/regctl', 'from/regctl-tar';
referrers_are('from/regctl', $v1, 1);
run_ok('regctl reads a layout', @regctl, 'image', 'copy',
    "ocidir://$dir/ours:all", "$host/to/regctl:all");
run_ok('and an archive', @regctl, 'image', 'import', '--name', 'v1',
    "$host/to/regctl-tar:v1", "$dir/ours.tar");
tag_is('to/regctl', all => $all);
tag_is('to/regctl-tar', v1 => $v1);

# crane, which sets no tags, and reads only layouts with one image
run_ok('crane writes a layout', $crane, 'pull', '--format=oci', "$host/app:v1",
    "$dir/crane");
admin_ok('import it under a tag', 'import', "$dir/crane", 'from/crane:v1');
tag_is('from/crane', v1 => $v1);
run_ok('crane reads one', $crane, 'push', "$dir/alone", "$host/to/crane:v1");
tag_is('to/crane', v1 => $alone);

SKIP: {
    skip('podman and containerd need root', 1) if $>;

    # podman
    my ($podman, $policy) = podman();
    my @podman = @$podman;
    run_ok('podman imports an image', @podman, 'import', @$policy,
        "$dir/root.tar", "$host/podman:v1");
    for my $format (qw(oci-archive oci-dir)) {
        run_ok("podman saves an $format", @podman, 'save', '--format', $format,
            '-o', "$dir/podman-$format", "$host/podman:v1");
        admin_ok('import it', 'import', "$dir/podman-$format");
        my ($digest) = map { /\A\S+ (\S+)\z/ ? $1 : () }
            names_of(read_layout("$dir/podman-$format"));
        tag_is('podman', v1 => $digest);
        $client->delete('/v2/podman/manifests/v1');
    }
    run_ok('podman loads an archive', @podman, 'load', '-i', "$dir/alone.tar");
    my $loaded = output_of(@podman, 'images', '--digests', '--format',
        '{{.Digest}}');
    like($loaded, qr/^\Q$alone\E$/m, 'with the same digest');

    # containerd
    my @ctr = containerd();
    run_ok('containerd imports an archive', @ctr, 'image', 'import',
        '--base-name', 'ours/app', '--all-platforms', "$dir/alone.tar");
    like(output_of(@ctr, 'image', 'ls'), qr/^ours\/app:v1 .*\Q$alone\E/m,
        'with the same digest');
    run_ok('and exports one', @ctr, 'image', 'export', '--all-platforms',
        "$dir/containerd.tar", 'ours/app:v1');
    admin_ok('import it', 'import', "$dir/containerd.tar", 'from/containerd');
    tag_is('from/containerd', v1 => $alone);
}

$registry->stop;
done_testing;
